import Foundation

/// The files of this repository, as the tidy tests look at them.
enum SourceTree {
  /// The repository's root, three levels above this file.
  static let root: URL = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  struct File: CustomStringConvertible {
    /// Relative to the root.
    var path: String
    var lines: [String]

    var description: String { path }
    var fileExtension: String { path.split(separator: ".").last.map(String.init) ?? "" }
  }

  /// What is made by a tool, or holds what a user of the tree put there, isn't looked at.
  private static let skipped = ["Sources/CTraceFormat/generated", ".build"]

  /// The text files below a folder, with one of these extensions; all if none is given.
  static func files(in folder: String, extensions: Set<String> = []) -> [File] {
    let base = root.appendingPathComponent(folder)
    guard let enumerator = FileManager.default.enumerator(atPath: base.path) else { return [] }
    var result: [File] = []
    for case let name as String in enumerator {
      let path = folder + "/" + name
      if skipped.contains(where: { path.hasPrefix($0) }) { continue }
      let file = File(path: path, lines: [])
      guard extensions.isEmpty || extensions.contains(file.fileExtension),
        let text = try? String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
      else { continue }
      result.append(File(path: path, lines: text.components(separatedBy: "\n")))
    }
    return result.sorted { $0.path < $1.path }
  }

  static let code: Set<String> = ["swift", "c", "h", "cpp", "S"]

  static func entries(of folder: String) -> [String] {
    let path = root.appendingPathComponent(folder).path
    return ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
  }
}
