import Glibc

/// The directory `sysroot/` of a packed trace, which shows debuggers the recorded files under their own paths, and
/// files with debug information beside them.
package struct SystemRoot: Sendable {
  package static let directoryName = "sysroot"

  package let path: String

  package init(directory: String) { path = directory + "/" + Self.directoryName }

  package var exists: Bool { access(path, F_OK) == 0 }

  /// Where separate files with debug information are; nil where there are none.
  package var debugDirectory: String? {
    let directory = path + Self.debugPath
    return access(directory, F_OK) == 0 ? directory : nil
  }

  /// Where gdb looks for them on most systems.
  package static let debugPath = "/usr/lib/debug"

  /// What stands for an absolute path of the recorded machine; nil where there is nothing.
  package func location(_ recorded: String) -> String? {
    guard let components = Self.components(recorded) else { return nil }
    let location = path + "/" + components.joined(separator: "/")
    return access(location, F_OK) == 0 ? location : nil
  }

  /// The components of an absolute path, without any that would lead out of it.
  package static func components(_ path: String) -> [String]? {
    guard path.hasPrefix("/") else { return nil }
    var components: [String] = []
    for component in path.split(separator: "/") where component != "." {
      if component != ".." {
        components.append(String(component))
      } else if components.popLast() == nil {
        return nil
      }
    }
    return components.isEmpty ? nil : components
  }
}
