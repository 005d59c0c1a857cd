package import KernelABI

/// A thread-id of the protocol: `p1f.20`, `p1f`, `20`, `-1` (all) or `0` (any).
///
/// GDB manual, "Packets", "thread-id syntax".
package struct ThreadSelector: Equatable, Sendable {
  package enum Part: Equatable, Sendable {
    case all
    case any
    case one(Int32)
  }

  /// Nil where the protocol's form without processes was used.
  package var process: Part?
  package var thread: Part

  package init(process: Part?, thread: Part) {
    self.process = process
    self.thread = thread
  }

  package init(_ identity: ThreadIdentity) {
    self.init(process: .one(identity.process), thread: .one(identity.thread))
  }
}

extension TextCursor {
  mutating func selectorPart() -> ThreadSelector.Part? {
    if skip("-1") { return .all }
    guard let number = int32() else { return nil }
    return number == 0 ? .any : .one(number)
  }

  mutating func selector() -> ThreadSelector? {
    guard skip("p") else { return selectorPart().map { ThreadSelector(process: nil, thread: $0) } }
    guard let process = selectorPart() else { return nil }
    guard skip(".") else { return ThreadSelector(process: process, thread: .all) }
    guard let thread = selectorPart() else { return nil }
    return ThreadSelector(process: process, thread: thread)
  }
}

extension ThreadIdentity {
  /// `p1f.20`, or `20` for debuggers that know one process only.
  package func text(withProcess: Bool) -> String {
    let own = Hex.text(UInt64(UInt32(bitPattern: thread)))
    return withProcess ? "p" + Hex.text(UInt64(UInt32(bitPattern: process))) + "." + own : own
  }
}
