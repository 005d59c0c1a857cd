import Foundation
import Glibc

/// A C program under Tests/Programs, named `family/name`.
package struct TestProgram: Sendable, Hashable, CustomStringConvertible {
  package var name: String

  package var description: String { name }
  package var family: String { String(name.prefix { $0 != "/" }) }

  package init(_ name: String) { self.name = name }

  /// Tests/Programs in the source tree.
  package static let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Programs").path

  /// Folders of what isn't run by itself: it doesn't end, or is compiled by a test.
  private static let unlisted: Set<String> = ["bugs", "build", "chaos", "runtimes", "stress", "tools", "unending"]

  /// Every program of the corpus. `RRS_TEST_PROGRAMS` picks those whose name contains it.
  package static let all: [TestProgram] = {
    let filter = ProcessInfo.processInfo.environment["RRS_TEST_PROGRAMS"]
    var programs: [TestProgram] = []
    for family in TemporaryDirectory.contents(directory).sorted() where !unlisted.contains(family) {
      for file in TemporaryDirectory.contents(directory + "/" + family).sorted() where file.hasSuffix(".c") {
        programs.append(TestProgram(family + "/" + file.dropLast(2)))
      }
    }
    return programs.filter { filter == nil || $0.name.contains(filter!) }
  }()

  /// A line `// NAME: VALUE` in the source says something about the program to the tests.
  private func remark(_ name: String) -> String? {
    let text = try? String(contentsOfFile: Self.directory + "/\(self.name).c", encoding: .utf8)
    let line = text?.split(separator: "\n").first { $0.hasPrefix("// \(name): ") }
    return line.map { String($0.dropFirst("// \(name): ".count)) }
  }

  /// `// checksum: N`: the distance of memory checksums where every event would take too long, or `none`.
  package var checksumInterval: Int? {
    guard let interval = remark("checksum") else { return 1 }
    return Int(interval)
  }

  /// `// ends by signal: N`: how the program ends after its last line.
  package var endsBySignal: Int32? { remark("ends by signal").flatMap { Int32($0) } }

  /// Compiles the program, unless that was done already with this very source, and gives the executable's path.
  package func build() throws -> String {
    let source = Self.directory + "/\(name).c"
    let text = try String(contentsOfFile: source, encoding: .utf8)
    let header = try String(contentsOfFile: Self.directory + "/check.h", encoding: .utf8)
    // `// compile: OPTIONS` adds to the compiler's command line.
    let extra = remark("compile").map { $0.split(separator: " ").map(String.init) } ?? []
    let options = ["-std=gnu11", "-O1", "-g", "-Wl,-z,now", "-pthread", "-I", Self.directory]
    let key = Self.hash(options.joined(separator: " ") + text + header)
    let cache = ProcessInfo.processInfo.environment["RRS_TEST_CACHE"] ?? "/tmp/rrs-test-programs-\(getuid())"
    mkdir(cache, 0o700)
    let executable = "\(cache)/\(name.replacingOccurrences(of: "/", with: "."))-\(key)"
    if access(executable, X_OK) == 0 { return executable }
    let unfinished = "\(executable).\(UUID().uuidString)"
    let result = try run(["gcc"] + options + ["-o", unfinished, source] + extra)
    guard result.isSuccess else { throw TestFailure("\(name) doesn't compile:\n\(result.errorText)") }
    // Atomic, so that tests which run side by side never meet half an executable.
    guard rename(unfinished, executable) == 0 else { throw TestFailure("can't rename \(unfinished)") }
    return executable
  }

  /// FNV-1a over the text, in hexadecimal.
  private static func hash(_ text: String) -> String {
    var value: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in text.utf8 { value = (value ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return String(value, radix: 16)
  }
}
