import Foundation
import TestSupport
import Testing

/// Runs every program of Tests/Programs under the recorder and replays it.
private func check(_ program: TestProgram, recordOptions: [String], checksums: Bool) throws {
  var trial = RecordReplay([try program.build()])
  trial.recordOptions = recordOptions
  trial.checksumInterval = checksums ? program.checksumInterval : nil
  trial.seconds = 40
  // How a program ends is part of what is replayed; that it got to its last line says it worked.
  let outcome = try trial.run(expected: program.endsBySignal.map { .killed($0) } ?? .exited(0)) { result in
    result.outputText.split(separator: "\n").last == "EXIT-SUCCESS" ? nil : "the program failed"
  }
  #expect(outcome.problems.isEmpty, "\(program): \(outcome.report())")
}

@Suite("Programs", .serialized, .enabled(if: RRSCommand.isBuilt, "rrs isn't built"))
struct CorpusTests {
  /// Every event's registers agree in a replay anyway; the checksums say that all writable memory does, too.
  @Test("record and replay with memory checksums", .timeLimit(.minutes(10)), arguments: TestProgram.all)
  func checksums(_ program: TestProgram) throws {
    try check(program, recordOptions: [], checksums: true)
  }
}

@Suite("Programs, another thread at every event", .serialized, .enabled(if: RRSCommand.isBuilt, "rrs isn't built"))
struct AlwaysSwitchTests {
  @Test("record with -s and replay", .timeLimit(.minutes(10)), arguments: TestProgram.all)
  func alwaysSwitch(_ program: TestProgram) throws {
    try check(program, recordOptions: ["-s"], checksums: false)
  }
}
