import Debugging
import KernelABI
import RemoteProtocol

extension Dialogue {
  /// A text comes back as digits; a place as `place:` with the argument of gdb's `run` that goes there.
  func respondToCommand(_ request: Request) -> Reply? {
    switch request {
    case .command(let name, let number, let arguments):
      let thread = number.flatMap { number in shownThreads.first { $0.thread == number } }
      switch target.command(name, arguments.map { String(decoding: $0, as: UTF8.self) }, thread: thread) {
      case .text(let text): return .hex(Array(text.utf8))
      case .place(let place):
        if isLLDB { pendingPlace = place }
        return .text("place:" + place.argument)
      }
    case .monitor(let bytes):
      let words = String(decoding: bytes, as: UTF8.self).split(separator: " ").map(String.init)
      guard let name = words.first else { return .ok }
      switch target.command(name, Array(words.dropFirst()), thread: currentThread) {
      case .text(let text): return .hex(Array((text + "\n").utf8))
      case .place(let place): return .hex(Array("To go there: run \(place.argument)\n".utf8))
      }
    default: return .unsupported
    }
  }
}

extension DebugPlace {
  /// The argument of gdb's `run`: nothing, an event's number, or a letter and a number.
  var argument: String {
    switch self {
    case .start: ""
    case .event(let number): "\(number)"
    case .checkpoint(let number): "c\(number)"
    case .ticks(let number): "t\(number)"
    case .history(let number): "h\(number)"
    }
  }

  init?(argument: String) {
    let number = argument.dropFirst()
    let place: DebugPlace? =
      switch argument.first {
      case nil: .start
      case "c": Int(number).map { .checkpoint($0) }
      case "t": UInt64(number).map { .ticks($0) }
      case "h": Int(number).map { .history($0) }
      default: UInt64(argument).map { .event($0) }
      }
    guard let place else { return nil }
    self = place
  }
}
