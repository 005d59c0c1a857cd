import DebugServer
import Debugging
import Glibc
import KernelABI
import Replay
import TraceFormat

/// Lets a debugger look at the tracees of a replay that has failed, before they end with it.
struct EmergencyDebugger {
  /// `--emergency-port`
  var port: UInt16?
  /// `--non-interactive` clears it. Without a port it takes a terminal, too, for somebody to be there.
  var isAllowed: Bool
  var debugger: DebuggerOptions

  private var isWanted: Bool {
    port != nil || (isAllowed && isatty(STDIN_FILENO) != 0 && isatty(STDERR_FILENO) != 0)
  }

  /// Prints what went wrong, and serves a debugger until that has gone. Returns at once where nobody wants one, or
  /// there is nothing to look at.
  func serve(_ session: ReplaySession, _ error: any Error) throws {
    guard isWanted, isReplaysFault(error),
      let target = try EmergencyTarget(session, layout: session.reader.header.extendedStateLayout)
    else { return }
    let status = CommandLineTool.report(error)
    let listener: DebugListener
    do throws(KernelError) {
      listener = try DebugListener(host: debugger.host, port: port ?? 0)
    } catch {
      warn("cannot wait for a debugger at \(debugger.host), port \(port ?? 0): \(error)")
      throw CommandFailure(message: "", status: status)
    }
    warn("the program stands where its replay failed, to be looked at; ^C ends it")
    try DebuggerCommandLine(options: debugger, listener: listener, target: target).announce()
    _ = Glibc.signal(SIGPIPE, SIG_IGN)
    _ = Glibc.signal(SIGINT, SIG_DFL)
    _ = try DebugServer(target: target).serve(on: listener)
    throw CommandFailure(message: "", status: status)
  }

  /// What is wrong with the trace or this machine isn't to be found in the program.
  private func isReplaysFault(_ error: any Error) -> Bool {
    if case ReplayError.internalError = error { true } else { error is Divergence }
  }
}
