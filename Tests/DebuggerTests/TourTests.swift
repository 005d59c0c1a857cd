import Foundation
import TestSupport
import Testing

/// Bugs, from what is seen of them back to their causes.
@Suite(
  "Debugger: from a failure to its cause", .serialized, .timeLimit(.minutes(10)),
  .enabled(if: canDebug, "rrs isn't built, or gdb isn't installed"))
struct TourTests {
  /// One run in fifty writes a name over the next account's money.
  @Test func overwrittenHeap() throws {
    let program = try TestProgram("bugs/accounts").build()
    let failing = try record(program, until: .killed(SIGABRT), attemptsMax: 600)
    #expect(failing.recording.outputText.contains("Featherstonehaugh"), "\(failing.recording)")
    // Each account is watched: the store that was the last one is the guilty one.
    let answers = try failing.debug("""
      > continue
      Program received signal SIGABRT, Aborted.
      > frame function main
      in main () at …accounts.c
      > watch -l accounts[1].cents
      Hardware watchpoint 1: -location accounts[1].cents
      > watch -l accounts[2].cents
      > watch -l accounts[3].cents
      > reverse-continue
      Hardware watchpoint …: -location accounts[…].cents
      Old value = …
      New value = …
      in set_owner (account=0x…, first=…, last=…
      > p account->owner
      Maximilian Featherst
      > p to - account->owner
      > up
      in main () at …accounts.c
      for (int i = 0; i < 3; i++) set_owner(&accounts[i]
      """)
    // The name is longer than the array, and the distance from its start says by how much.
    let distance = try #require(answers.to("p to - account->owner").first.flatMap { Int($0.split(separator: " ").last ?? "") })
    #expect(distance >= 20, "\(answers)")
  }

  /// Records new runs of a program until one ends like this.
  private func record(_ program: String, until status: CommandStatus, attemptsMax: Int) throws -> DebuggedRecording {
    for _ in 0..<attemptsMax {
      let recording = try? DebuggedRecording([program], expected: status)
      if let recording { return recording }
    }
    throw TestFailure("\(program) didn't end with \(status) in \(attemptsMax) runs")
  }

  /// Four threads make the one registry, each its own: two stores to the same pointer, by different threads.
  @Test func dataRace() throws {
    let directory = try TemporaryDirectory("race")
    let program = directory.file("registry")
    let built = try run([
      "g++", "-g", "-O0", "-pthread", "-o", program, TestProgram.directory + "/bugs/registry.cpp",
    ])
    guard built.isSuccess else { throw TestFailure("\(built)") }
    let recording = try DebuggedRecording([program], expected: .killed(SIGABRT))
    #expect(recording.recording.outputText.contains(" of 4 are in the registry"))
    let answers = try recording.debug("""
      > continue
      received signal SIGABRT, Aborted.
      > info threads
      > watch registry
      > reverse-continue
      > reverse-continue
      Hardware watchpoint 1: registry
      in shared_registry () at …registry.cpp
      > p $_thread
      > where 1
      #0 …shared_registry ()
      > reverse-continue
      Hardware watchpoint 1: registry
      in shared_registry () at …registry.cpp
      > p $_thread
      > thread apply all where 1
      in shared_registry ()
      > delete
      > continue
      received signal SIGABRT, Aborted.
      """)
    let threads = answers.to("p $_thread").map { $0.split(separator: " ").last }
    #expect(threads.count == 2 && threads[0] != threads[1], "both by one thread: \(answers)")
  }

  /// `-e` begins where the fatal signal is about to be delivered.
  @Test func crash() throws {
    let recording = try DebuggedRecording(TestProgram("debugger/crash"), expected: .killed(SIGSEGV))
    try recording.debug(
      """
      > where 2
      sum (count=8) at …crash.c
      main ()
      > p $_siginfo.si_signo
      = 11
      > p node
      = (struct node *) 0x0
      > p i
      = 3
      > watch -l nodes[2].next
      > reverse-continue
      Hardware watchpoint 1: -location nodes[2].next
      Old value = (struct node *) 0x0
      New value = (struct node *) 0x…<nodes+48>
      in unlink_next (node=…<nodes+32>)
      > up
      unlink_next(&nodes[2]);
      > delete
      > continue
      Program received signal SIGSEGV, Segmentation fault.
      sum (count=8)
      > continue
      received signal SIGKILL
      > reverse-continue
      Program received signal SIGSEGV, Segmentation fault.
      sum (count=8)
      """, replay: ["-e"])
  }
}
