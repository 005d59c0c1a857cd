/// rrs's commands in a debugger: their names are rr's. What they do is behind `DebugTarget.command`.
struct DebuggerCommand {
  /// As gdb's users type it; LLDB's type hyphens for spaces, as in the request.
  let name: String
  /// What `help` says.
  let help: String
  /// Whether the place in the program, as the debugger shows it, goes along.
  var tellsPlace = false

  static let all: [DebuggerCommand] = [
    .init(name: "when", help: "Print the number of the last event that has happened here."),
    .init(name: "when-ticks", help: "Print the current thread's tick."),
    .init(name: "when-tid", help: "Print the current thread's number when it was recorded."),
    .init(name: "when-end", help: "Print the number of the recording's last event."),
    .init(name: "elapsed-time", help: "Print the seconds from the start of the recording to here."),
    .init(name: "absolute-time", help: "Print the time of CLOCK_MONOTONIC here, in seconds."),
    .init(name: "info recording", help: "Print where the recording is."),
    .init(
      name: "checkpoint", help: "Remember this place of the recording; restart comes back to it.", tellsPlace: true),
    .init(name: "delete checkpoint", help: "Forget a checkpoint: delete checkpoint NUMBER."),
    .init(name: "info checkpoints", help: "List the checkpoints."),
    .init(name: "restart", help: "Go to a checkpoint: restart NUMBER."),
    .init(
      name: "write-checkpoints", help: "Save the checkpoints with the recording; load-checkpoints brings them back."),
    .init(name: "load-checkpoints", help: "Bring back the checkpoints that write-checkpoints has saved."),
    .init(name: "seek-ticks", help: "Go to where the current thread has done so many ticks: seek-ticks TICKS."),
    .init(name: "back", help: "Go to where the debugger stood before."),
    .init(name: "forward", help: "Go to where the debugger stood before the last back."),
  ]

  var requestName: String { String(name.map { $0 == " " ? "-" : $0 }) }
}
