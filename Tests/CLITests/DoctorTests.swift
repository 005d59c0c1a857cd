import Foundation
import TestSupport
import Testing

/// `rrs doctor` on the machine that runs the tests, which can record.
@Suite struct DoctorTests {
  struct Report: Decodable {
    struct Check: Decodable {
      var name: String
      var value: String
      var status: String
      var consequence: String
      var remedy: String?
    }
    var canRecord: Bool
    var checks: [Check]
  }

  static func report(_ environment: [String: String] = [:]) throws -> (report: Report, result: CommandResult) {
    let result = try RRSCommand.run(["doctor", "--json"], environment: environment)
    return (try JSONDecoder().decode(Report.self, from: Data(result.output)), result)
  }

  @Test func everyCheckSaysWhatFollows() throws {
    let (report, result) = try Self.report()
    #expect(report.canRecord && result.isSuccess, "\(result)")
    let names = Set(report.checks.map(\.name))
    let expected: Set<String> = [
      "kernel", "ptrace", "process_vm_readv", "yama ptrace_scope", "seccomp filters", "hardware counter",
      "perf_event_paranoid", "rdtsc", "cpuid", "address randomisation", "trace directory", "reflinks", "memory",
      "open files", "gdb", "engine",
    ]
    #expect(expected.isSubset(of: names), "missing: \(expected.subtracting(names))")
    for check in report.checks {
      #expect(!check.value.isEmpty && !check.consequence.isEmpty, "\(check)")
      #expect(["ok", "limited"].contains(check.status), "\(check)")
    }
  }

  @Test func theTextSaysTheSame() throws {
    let result = try RRSCommand.run(["doctor"])
    #expect(result.isSuccess, "\(result)")
    #expect(result.outputText.contains("rrs can record on this machine."), "\(result)")
    let (report, _) = try Self.report()
    for check in report.checks { #expect(result.outputText.contains(check.name), "\(check.name) is missing") }
  }

  /// What the report says of the counter is what recordings do.
  @Test func theHardwareEngineIsThereWhereItsCounterIs() throws {
    let (report, _) = try Self.report()
    let counter = try #require(report.checks.first { $0.name == "hardware counter" })
    let engine = try #require(report.checks.first { $0.name == "engine" })
    let isUsable = counter.status == "ok"
    #expect(engine.value == (isUsable ? "auto takes hardware" : "auto takes software"))
    let directory = try TemporaryDirectory("doctor")
    let result = try RRSCommand.run(["record", "--engine=hardware", "-o", directory.file("trace"), "--", "/bin/true"])
    #expect(result.status == .exited(isUsable ? 0 : 69), "\(result)")
    #expect(isUsable || result.errorText.contains("rrs doctor"), "\(result)")
    #expect(isUsable || result.errorText.split(separator: "\n").count == 1, "\(result)")
  }

  @Test func aTraceDirectoryThatCannotBeWrittenIsNamed() throws {
    let (report, result) = try Self.report(["RRS_TRACE_DIR": "/proc/rrs"])
    let check = try #require(report.checks.first { $0.name == "trace directory" })
    #expect(check.status == "broken" && check.remedy != nil, "\(check)")
    #expect(!report.canRecord && result.status == .exited(69), "\(result)")
  }
}
