import Foundation
import Testing

/// What a reader of the code may rely on.
@Suite struct StyleTests {
  static let fileLinesMax = 600
  static let functionLinesMax = 70
  static let columnsMax = 120
  /// Programs to be recorded are dense on purpose: one check a line.
  static let testColumnsMax = 132

  static let allCode =
    SourceTree.files(in: "Sources", extensions: SourceTree.code)
    + SourceTree.files(in: "Tests", extensions: SourceTree.code)

  @Test func filesAreShort() {
    for file in Self.allCode {
      #expect(file.lines.count <= Self.fileLinesMax + 1, "\(file.path) has \(file.lines.count) lines: split it")
    }
  }

  @Test func linesAreShort() {
    for file in Self.allCode {
      let most = file.path.hasPrefix("Tests/") ? Self.testColumnsMax : Self.columnsMax
      for (index, line) in file.lines.enumerated() where line.count > most {
        Issue.record("\(file.path):\(index + 1) has \(line.count) columns")
      }
    }
  }

  /// A function ends at the closing brace in the column where its declaration starts.
  @Test func functionsAreShort() {
    let declaration = /^( *)([a-z@][^ ]* )*(func|init|deinit|subscript)\b.*\{$/
    for file in Self.allCode where file.fileExtension == "swift" {
      for (index, line) in file.lines.enumerated() {
        guard let match = line.wholeMatch(of: declaration) else { continue }
        let closing = String(match.1) + "}"
        guard let length = file.lines[(index + 1)...].firstIndex(of: closing).map({ $0 - index + 1 }) else { continue }
        #expect(length <= Self.functionLinesMax, "\(file.path):\(index + 1) has \(length) lines: split it")
      }
    }
  }

  /// Work that isn't done belongs where work is tracked, not into the code.
  @Test func nothingIsLeftForLater() {
    let marks = ["TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK"]
    let files =
      Self.allCode + ["docs", "Scripts", "Schemas"].flatMap { SourceTree.files(in: $0) }
    for file in files {
      for (index, line) in file.lines.enumerated() {
        let words = line.split { !$0.isLetter && !$0.isNumber }
        for mark in marks where words.contains(where: { $0 == mark }) {
          Issue.record("\(file.path):\(index + 1) says \(mark)")
        }
      }
    }
  }

  /// Data from outside never traps: it throws.
  @Test func nothingIsForcedInSources() {
    for file in SourceTree.files(in: "Sources", extensions: ["swift"]) {
      for (index, line) in file.lines.enumerated() where line.contains("try" + "!") || line.contains(" as" + "! ") {
        Issue.record("\(file.path):\(index + 1) forces: \(line)")
      }
    }
  }

  @Test func theTopLevelHoldsWhatItShould() {
    let expected: Set<String> = [
      ".ci", ".git", ".gitignore", "LICENSE", "Package.swift", "README.md", "Schemas", "Scripts", "Sources", "Tests",
      "docs",
    ]
    // Made by the build, or by a tool that a developer uses; .gitignore has them, or they are harmless.
    let tolerated: Set<String> = [".build", ".swiftpm", "Package.resolved", ".swift-format"]
    let entries = Set(SourceTree.entries(of: ""))
    #expect(entries.subtracting(tolerated) == expected)
  }

  @Test func scriptsAreExecutable() {
    for name in SourceTree.entries(of: "Scripts") + ["../.ci/run"] {
      let path = SourceTree.root.appendingPathComponent("Scripts/" + name).path
      #expect(FileManager.default.isExecutableFile(atPath: path), "\(name) can't be executed")
    }
  }
}
