import Foundation
import TestSupport
import Testing

/// Programs in a terminal, typed into while they are recorded.
@Suite(
  "In a terminal", .serialized, .enabled(if: RRSCommand.isBuilt, "rrs isn't built"),
  .enabled(if: TestEnvironment.has("tmux"), "tmux isn't installed"))
struct TerminalTests {
  /// Records `program` in a terminal while `typing` types, and replays; the replays' output must contain `shows`.
  private func check(
    _ program: String, status: Int32 = 0, shows: [String], prepare: (String) throws -> Void = { _ in },
    typing: (TmuxSession) throws -> Void
  ) throws {
    let directory = try TemporaryDirectory("terminal")
    let work = try directory.makeDirectory("work")
    try prepare(work)
    let trace = directory.file("trace")
    let terminal = try TmuxSession("\(RRSCommand.path) record -o \(trace) -- \(program)", directory: work)
    do {
      try typing(terminal)
      let screen = try terminal.wait(for: "TERMINAL-DONE")
      #expect(screen.contains("TERMINAL-DONE \(status)"), "\(screen)")
    } catch {
      directory.keep()
      let dump = try RRSCommand.run(["dump", trace])
      throw TestFailure("\(error)\nThe trace is kept, and ends so: \(dump)")
    }
    terminal.close()
    TemporaryDirectory.remove(work)
    var first: [UInt8]?
    for _ in 0..<max(2, TestEnvironment.replays) {
      let replay = try RecordReplay([]).replay(trace, in: directory)
      let expected: CommandStatus = status > 128 ? .killed(status - 128) : .exited(status)
      let isGood = replay.status == expected && !replay.isOutOfTime && replay.output == first ?? replay.output
      if !isGood { directory.keep() }
      #expect(isGood, "\(replay)\nkept: \(trace)")
      for text in shows { #expect(replay.outputText.contains(text), "no '\(text)' in \(replay)") }
      first = replay.output
    }
  }

  @Test("python3's prompt", .timeLimit(.minutes(10)), .enabled(if: TestEnvironment.has("python3"), "python3 isn't installed"))
  func python() throws {
    try check("/usr/bin/python3 -q", shows: ["285311670611", "ZeroDivisionError", "pid is "]) { terminal in
      try terminal.wait(for: ">>>")
      try terminal.type("11 ** 11")
      try terminal.press("Enter")
      try terminal.wait(for: "285311670611")
      try terminal.type("import os; print('pid', 'is', os.getpid())")
      try terminal.press("Enter")
      try terminal.wait(for: "pid is ")
      try terminal.type("1 / 0")
      try terminal.press("Enter")
      try terminal.wait(for: "ZeroDivisionError")
      try terminal.press("C-d")
    }
  }

  @Test("less", .timeLimit(.minutes(10)), .enabled(if: TestEnvironment.has("less"), "less isn't installed"))
  func less() throws {
    try check("less lines", shows: ["line 1", "777"]) { work in
      let text = (1...1000).map { "line \($0)\n" }.joined()
      try text.write(toFile: work + "/lines", atomically: false, encoding: .utf8)
    } typing: { terminal in
      try terminal.wait(for: "line 1")
      try terminal.type("/777")
      try terminal.press("Enter")
      try terminal.wait(for: "line 777")
      try terminal.type("Gq")
    }
  }

  @Test("vi", .timeLimit(.minutes(10)), .enabled(if: TestEnvironment.has("vi"), "vi isn't installed"))
  func editor() throws {
    try check("vi -u NONE text", shows: ["typed into vi"]) { terminal in
      try terminal.wait(for: "~")
      try terminal.type("ityped into vi")
      try terminal.press("Escape")
      try terminal.wait(for: "typed into vi")
      try terminal.type("yyp:wq")
      try terminal.press("Enter")
    }
  }

  @Test("bash with job control", .timeLimit(.minutes(10)))
  func shell() throws {
    try check("bash --norc --noprofile", status: 3, shows: ["Stopped", "sum 42"]) { terminal in
      try terminal.type("sleep 100; echo 'slept'")
      try terminal.press("Enter")
      try terminal.wait(for: "sleep 100")
      // The shell needs a moment to put the job into the foreground before ^Z means the job.
      try terminal.wait(describing: "a sleep in the foreground") { _ in
        ProcessTable.all().contains { $0.name == "sleep" && $0.isInForeground && !$0.isZombie }
      }
      try terminal.press("C-z")
      try terminal.wait(for: "Stopped")
      try terminal.type("kill %1; echo sum $((40 + 2))")
      try terminal.press("Enter")
      try terminal.wait(for: "sum 42")
      try terminal.type("exit 3")
      try terminal.press("Enter")
    }
  }

  @Test("a terminal that is gone isn't an empty one", .timeLimit(.minutes(10)))
  func goneTerminal() throws {
    let directory = try TemporaryDirectory("terminal")
    let terminal = try TmuxSession("echo shown", directory: directory.path)
    try terminal.wait(for: "TERMINAL-DONE 0")
    try terminal.press("C-c")
    let error = #expect(throws: TestFailure.self) { try terminal.wait(for: "never shown", within: 5) }
    #expect(error?.description.contains("the terminal is gone") == true, "\(String(describing: error))")
  }

  @Test("a deadlock interrupted with ^C", .timeLimit(.minutes(10)))
  func deadlock() throws {
    let program = try TestProgram("unending/deadlock").build()
    try check(program, status: 130, shows: ["deadlocked in"]) { terminal in
      try terminal.wait(for: "deadlocked in")
      try terminal.press("C-c")
    }
  }
}
