import Foundation
import Glibc

/// The rrs that was built together with the tests.
package enum RRSCommand {
  /// Beside the test executable, which SwiftPM puts into the same build directory; or where RRS_BINARY says.
  package static let path: String = {
    if let given = ProcessInfo.processInfo.environment["RRS_BINARY"] { return given }
    var link = [UInt8](repeating: 0, count: Int(PATH_MAX))
    let count = link.withUnsafeMutableBytes { buffer in
      readlink("/proc/self/exe", buffer.baseAddress!.assumingMemoryBound(to: CChar.self), buffer.count)
    }
    let executable = String(decoding: link[..<max(count, 0)], as: UTF8.self)
    let candidates = [URL(fileURLWithPath: executable).deletingLastPathComponent().path] + CommandLine.arguments.map {
      URL(fileURLWithPath: $0).deletingLastPathComponent().path
    }
    return candidates.map { $0 + "/rrs" }.first { access($0, X_OK) == 0 } ?? candidates[0] + "/rrs"
  }()

  package static var isBuilt: Bool { access(path, X_OK) == 0 }

  package static func start(
    _ arguments: [String], directory: String? = nil, environment: [String: String] = [:], input: String = "/dev/null"
  ) throws -> RunningCommand {
    try RunningCommand([path] + arguments, directory: directory, environment: environment, input: input)
  }

  package static func run(
    _ arguments: [String], directory: String? = nil, environment: [String: String] = [:], input: String = "/dev/null",
    within seconds: Double = 60
  ) throws -> CommandResult {
    try start(arguments, directory: directory, environment: environment, input: input).finish(within: seconds)
  }
}
