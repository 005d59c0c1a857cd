import Foundation
import Glibc

/// What this machine has, and what the tests were asked for through environment variables.
package enum TestEnvironment {
  /// RRS_TEST_REPLAYS: how often each recording is replayed; 2 unless said.
  package static let replays = number("RRS_TEST_REPLAYS") ?? 2
  /// RRS_SOAK_SECONDS: how long the soak takes; short unless said.
  package static let soakSeconds = number("RRS_SOAK_SECONDS") ?? 15
  /// A slow or busy machine may need more of every time limit: RRS_TEST_PATIENCE multiplies them.
  package static let patience = Double(number("RRS_TEST_PATIENCE") ?? 1)

  package static var isRoot: Bool { geteuid() == 0 }

  package static func number(_ name: String) -> Int? { ProcessInfo.processInfo.environment[name].flatMap { Int($0) } }

  /// Whether every one of these programs is installed.
  package static func has(_ programs: String...) -> Bool { programs.allSatisfy { find($0) != nil } }

  /// Where a program is, looked for in the system's own directories: shims that users put before them in PATH may start
  /// another version for each working directory.
  package static func find(_ program: String) -> String? {
    ["/usr/bin/", "/bin/", "/usr/sbin/", "/sbin/", "/usr/local/bin/"].map { $0 + program }.first {
      access($0, X_OK) == 0
    }
  }

  /// PATH for recorded programs, by the same rule.
  package static let searchPath = "/usr/bin:/bin:/usr/sbin:/sbin"
}
