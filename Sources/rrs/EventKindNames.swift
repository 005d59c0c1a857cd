import TraceFormat

extension TraceEvent.Kind {
  /// All names, in the order of the numbers that `dump --raw` prints.
  static let names = [
    "syscall", "signal", "instruction", "preemption", "exit", "imageStart", "checkpointSaved", "checkpointLoaded",
    "note",
    "end",
  ]

  /// The place of the kind in `names`.
  var number: Int {
    switch self {
    case .syscall: 0
    case .signal: 1
    case .instruction: 2
    case .preemption: 3
    case .exit: 4
    case .imageStart: 5
    case .checkpointSaved: 6
    case .checkpointLoaded: 7
    case .note: 8
    case .end: 9
    }
  }

  var name: String { Self.names[number] }
}
