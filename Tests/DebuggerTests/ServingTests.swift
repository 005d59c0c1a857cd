import Foundation
import TestSupport
import Testing

/// How debuggers are started, and what is handed to them.
@Suite(
  "Debugger: starting", .serialized, .timeLimit(.minutes(10)),
  .enabled(if: canDebug, "rrs isn't built, or gdb isn't installed"))
struct ServingTests {
  /// The printed line works when it is pasted into bash.
  @Test func thePrintedCommandLine() throws {
    let recording = try DebuggedRecording(TestProgram("debugger/calls"))
    let server = try DebugService(recording)
    let bin = URL(fileURLWithPath: RRSCommand.path).deletingLastPathComponent().path
    var environment = DebuggedRecording.environment
    environment["PATH"] = bin + ":" + TestEnvironment.searchPath
    let input = try recording.directory.write(
      Dialogue.preparation + "break fib\ncontinue\nprint n\nwhen\nreverse-continue\nquit\n", to: "input")
    let result = try run(
      ["/bin/bash", "-c", server.commandLine + " 2>&1"], environment: environment, input: input, within: 60)
    #expect(result.outputText.contains("$1 = 9"), "\(server.commandLine)\n\(result)")
    #expect(result.outputText.contains("Completed event: "), "\(server.commandLine)\n\(result)")
    #expect(result.outputText.contains("No more reverse-execution history."), "\(result)")
    try server.expectEnd()
  }

  /// `-k`: the next debugger is served when one has gone.
  @Test func oneDebuggerAfterTheOther() throws {
    let recording = try DebuggedRecording(TestProgram("debugger/calls"))
    let server = try DebugService(recording, ["-k"])
    // The next one finds the replay where it was left.
    for (ending, n) in [("detach", 9), ("disconnect", 8)] {
      let result = try server.debug(["break fib", "continue", "print n", ending])
      #expect(result.outputText.contains("$1 = \(n)\n"), "\(ending): \(result)")
    }
    let last = try server.debug(["tbreak length", "continue", "where 1", "run", "print items[0].weight"])
    #expect(last.outputText.contains("length (text=") && last.outputText.contains("$1 = 0\n"), "\(last)")
    #expect(server.command.isRunning)
    server.command.send(SIGINT)
    let result = try server.command.finish(within: 30)
    #expect(result.status == .killed(SIGINT) && result.leftOver.isEmpty, "\(result)")
  }

  /// `-o`, `-x` and what stands behind `--` are gdb's; a fork of rrs's own waits, and ends with it.
  @Test func whatIsHandedToGDB() throws {
    let recording = try DebuggedRecording(TestProgram("debugger/calls"))
    let commands = try recording.directory.write("break fib\ncontinue\nprint n + 100\n", to: "commands")
    let batch = try recording.start(["-x", commands, "-o", "-batch", recording.trace]).finish(within: 60)
    #expect(batch.isSuccess && batch.leftOver.isEmpty && batch.outputText.contains("$1 = 109"), "\(batch)")
    let options = try recording.start([
      "-o", "-batch", "-o", "-ex", "-o", "print 6 * 7", recording.trace, "--", "-ex", "print 6 * 8",
    ]).finish(within: 60)
    #expect(options.isSuccess && options.leftOver.isEmpty, "\(options)")
    #expect(options.outputText.contains("$1 = 42\n$2 = 48"), "\(options)")
    let machine = try recording.start(["-i", "mi", recording.trace]).finish(within: 60)
    #expect(machine.outputText.contains("*stopped") && machine.leftOver.isEmpty, "\(machine)")
  }

  /// gdb ends as it was told to: its status is that of rrs.
  @Test func theStatusIsGDBs() throws {
    let recording = try DebuggedRecording(TestProgram("debugger/calls"))
    let commands = try recording.directory.write("quit 3\n", to: "commands")
    let result = try recording.start(["-o", "-batch", "-x", commands, recording.trace]).finish(within: 60)
    #expect(result.status == .exited(3) && result.leftOver.isEmpty, "\(result)")
  }

  /// All that gdb needs comes from the trace: the program is gone, and replaced.
  @Test func theProgramIsGone() throws {
    let directory = try TemporaryDirectory("gone")
    let program = directory.file("calls")
    try FileManager.default.copyItem(atPath: try TestProgram("debugger/calls").build(), toPath: program)
    let recording = try DebuggedRecording([program])
    TemporaryDirectory.remove(program)
    let dialogue = """
      > break fib
      > continue
      Breakpoint 1, fib (n=9)
      > where
      main ()
      > info sharedlibrary
      libc.so.6
      > reverse-finish
      """
    try recording.debug(dialogue)
    try recording.debug(dialogue, replay: ["--serve-files"])
  }

  @Test func asManyAsWanted() throws {
    let recording = try DebuggedRecording(TestProgram("debugger/calls"))
    try recording.debug("""
      > break weigh
      > continue
      Breakpoint 1, weigh
      > checkpoint
      Checkpoint 1 at
      > continue 3
      > checkpoint
      Checkpoint 2 at
      > print total
      > info checkpoints
      > restart 1
      > print item
      <items>
      > print factor
      = 3
      > restart 2
      > print item - items
      = 3
      > delete checkpoint 1
      > restart 1
      No checkpoint number 1.
      > when
      Completed event:
      > when-ticks
      Current tick:
      > when-tid
      Current tid:
      > elapsed-time
      Elapsed Time (s):
      > run
      > print items[0].weight
      = 0
      """)
  }
}
