import Foundation
import Glibc

/// A terminal to type into and to look at: a detached tmux(1) on a socket of its own.
package final class TmuxSession {
  private let directory: TemporaryDirectory
  private let socket: String

  /// Starts `command`, a shell command line, in a terminal of this size.
  package init(_ command: String, columns: Int = 100, rows: Int = 30, directory workingDirectory: String) throws {
    directory = try TemporaryDirectory("tmux")
    socket = directory.file("socket")
    // The shell stays when the command has ended, so that its last screen can still be read; ^C is meant for the
    // command. The script is read, not executed: a process that another test starts while it is written inherits the
    // descriptor, and as long as that lives execve(2) of the file fails with ETXTBSY.
    let script = try directory.write(
      "trap : INT\ncd '\(workingDirectory)'\n\(command)\necho \"TERMINAL-DONE $?\"\nexec sleep 600\n", to: "script")
    let result = try run(
      ["tmux", "-S", socket, "-f", "/dev/null", "new-session", "-d", "-x", "\(columns)", "-y", "\(rows)", "sh", script],
      environment: ["TERM": "screen", "PATH": TestEnvironment.searchPath], within: 20, leavesChildren: true)
    guard result.isSuccess else { throw TestFailure("tmux doesn't start: \(result)") }
  }

  deinit { close() }

  package func close() { _ = try? tmux("kill-server") }

  /// Throws where tmux fails: with its server gone, a screen that can't be read isn't an empty one.
  @discardableResult
  private func tmux(_ arguments: String...) throws -> String {
    let result = try TestSupport.run(["tmux", "-S", socket] + arguments, within: 20)
    guard result.isSuccess else { throw TestFailure("the terminal is gone: \(result)") }
    return result.outputText
  }

  /// Types text as it is.
  package func type(_ text: String) throws { try tmux("send-keys", "-l", text) }

  /// Presses keys by tmux's names: `Enter`, `C-c`, `Escape`.
  package func press(_ keys: String...) throws {
    for key in keys { try tmux("send-keys", key) }
  }

  /// The screen, and what has scrolled off it.
  package func screen() throws -> String { try tmux("capture-pane", "-p", "-S", "-2000") }

  /// For messages: the processes in the terminal, and where each waits.
  private func processes() throws -> String {
    let shell = try tmux("display-message", "-p", "#{pane_pid}").filter(\.isNumber)
    return ProcessTable.family(of: Int32(shell) ?? 0, mark: "").map { process in
      "\(process.pid) \(process.name) \(process.state)\(process.isInForeground ? "+" : "") "
        + "in \(ProcessTable.text("/proc/\(process.pid)/wchan"))"
    }.joined(separator: "\n")
  }

  /// Waits until the screen shows `text`. Throws with the screen where it doesn't in time.
  @discardableResult
  package func wait(for text: String, within seconds: Double = 20) throws -> String {
    try wait(within: seconds, describing: "'\(text)'") { $0.contains(text) }
  }

  @discardableResult
  package func wait(
    within seconds: Double = 20, describing what: String, until isDone: (String) -> Bool
  ) throws -> String {
    let deadline = Date().addingTimeInterval(seconds * TestEnvironment.patience)
    while true {
      let screen = try screen()
      if isDone(screen) { return screen }
      guard Date() < deadline else {
        throw TestFailure("the terminal doesn't show \(what), but:\n\(screen)\nThere run:\n\(try processes())")
      }
      usleep(30_000)
    }
  }
}
