/// A signal number (signal(7)), 1...64.
package struct Signal: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  package var rawValue: Int32

  package init(rawValue: Int32) { self.rawValue = rawValue }

  package static let hangup = Signal(rawValue: 1)
  package static let interrupt = Signal(rawValue: 2)
  package static let quit = Signal(rawValue: 3)
  package static let illegalInstruction = Signal(rawValue: 4)
  package static let trap = Signal(rawValue: 5)
  package static let abort = Signal(rawValue: 6)
  package static let bus = Signal(rawValue: 7)
  package static let floatingPoint = Signal(rawValue: 8)
  package static let kill = Signal(rawValue: 9)
  package static let segmentationFault = Signal(rawValue: 11)
  package static let pipe = Signal(rawValue: 13)
  package static let terminate = Signal(rawValue: 15)
  package static let child = Signal(rawValue: 17)
  package static let `continue` = Signal(rawValue: 18)
  package static let stop = Signal(rawValue: 19)
  package static let terminalStop = Signal(rawValue: 20)
  package static let terminalInput = Signal(rawValue: 21)
  package static let terminalOutput = Signal(rawValue: 22)
  package static let urgent = Signal(rawValue: 23)
  package static let windowChange = Signal(rawValue: 28)

  private static let names = [
    "SIG0", "SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE", "SIGKILL", "SIGUSR1",
    "SIGSEGV", "SIGUSR2", "SIGPIPE", "SIGALRM", "SIGTERM", "SIGSTKFLT", "SIGCHLD", "SIGCONT", "SIGSTOP", "SIGTSTP",
    "SIGTTIN", "SIGTTOU", "SIGURG", "SIGXCPU", "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO", "SIGPWR",
    "SIGSYS",
  ]

  /// The name as in signal(7); `SIGRT_n` for the real-time signals.
  package var description: String {
    let number = Int(rawValue)
    return Self.names.indices.contains(number) ? Self.names[number] : "SIGRT_\(number - 32)"
  }

  /// The signal of that name, with or without `SIG`, or of that number.
  package init?(parsing text: String) {
    if let number = Int32(text), (1...64).contains(number) {
      self.init(rawValue: number)
      return
    }
    let upper = text.uppercased()
    let name = upper.hasPrefix("SIG") ? upper : "SIG" + upper
    guard let index = Self.names.firstIndex(of: name), index > 0 else { return nil }
    self.init(rawValue: Int32(index))
  }

  /// What the kernel does when there is no handler (signal(7), "Standard signals").
  package enum DefaultAction: Sendable { case ignore, `continue`, stop, terminate, dumpCore }

  package var defaultAction: DefaultAction {
    switch rawValue {
    case 17, 23, 28: .ignore
    case 18: .continue
    case 19, 20, 21, 22: .stop
    case 3, 4, 5, 6, 7, 8, 11, 24, 25, 31: .dumpCore
    default: .terminate
    }
  }
}
