import Foundation
import Glibc

/// A new directory that goes away with the value that made it, unless `keep()` was called.
package final class TemporaryDirectory: Sendable {
  package let path: String
  private let kept = Flag()

  package init(_ label: String = "test") throws {
    let parent = ProcessInfo.processInfo.environment["RRS_TEST_DIRECTORY"] ?? "/tmp"
    var template = Array("\(parent)/rrs-\(label).XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw TestFailure("can't make a directory like \(parent)/rrs-\(label): \(String(cString: strerror(errno)))")
    }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit {
    if !kept.isSet { Self.remove(path) }
  }

  /// Leaves the directory in place for whoever looks into a failure.
  package func keep() { kept.set() }

  package func file(_ name: String) -> String { path + "/" + name }

  /// Makes a directory inside this one, and gives its path.
  package func makeDirectory(_ name: String) throws -> String {
    let directory = file(name)
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    return directory
  }

  @discardableResult
  package func write(_ text: String, to name: String) throws -> String {
    try text.write(toFile: file(name), atomically: false, encoding: .utf8)
    return file(name)
  }

  package static func remove(_ path: String) { try? FileManager.default.removeItem(atPath: path) }

  package static func contents(_ path: String) -> [String] {
    (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
  }
}

/// A test can't go on. What was expected of the program under test is checked with `#expect` instead.
package struct TestFailure: Error, CustomStringConvertible {
  package var description: String
  package init(_ description: String) { self.description = description }
}

/// A flag that may be set from anywhere, once.
package final class Flag: @unchecked Sendable {
  private let lock = NSLock()
  private var value = false

  package init() {}

  package var isSet: Bool { lock.withLock { value } }
  package func set() { lock.withLock { value = true } }
}
