private import CLinuxShim
package import Debugging
package import KernelABI
import RemoteProtocol

/// Lets a debugger on a socket look at a recording: gdb's remote serial protocol on one side, a `DebugTarget` on the
/// other.
///
/// All happens on the caller's thread, which is the one that may make ptrace requests. While the target runs, it asks
/// many times a second whether it shall stop; now and then that looks at the socket.
package final class DebugServer {
  package struct Options: Sendable {
    /// Another debugger may come when one has gone.
    package var keepsListening = false

    package init(keepsListening: Bool = false) { self.keepsListening = keepsListening }
  }

  /// How a debugger left.
  package enum Ending: Equatable, Sendable {
    case detached
    case killed
    /// Its connection ended without a word.
    case disconnected
  }

  private let target: any DebugTarget
  private let options: Options

  package init(target: any DebugTarget, options: Options = Options()) {
    self.target = target
    self.options = options
  }

  /// Serves one debugger, or one after the other, until the last one has left.
  package func serve(on listener: DebugListener) throws(KernelError) -> Ending {
    while true {
      let connection = try listener.accept()
      let ending = converse(connection, listener)
      if ending == .killed || !options.keepsListening { return ending }
    }
  }

  private func converse(_ connection: Connection, _ listener: DebugListener) -> Ending {
    let dialogue = Dialogue(target: target, packetByteCountMax: Connection.packetByteCountMax)
    defer { dialogue.end() }
    var watch = InterruptWatch(connection: connection, listener: listener)
    while true {
      while let message = connection.channel.next() {
        answer(message, dialogue, connection) { watch.isInterrupted() }
        connection.flush()
        if let ending = dialogue.ending { return ending }
      }
      connection.flush()
      if connection.isClosed { return .disconnected }
      look(connection, listener, waitMilliseconds: -1)
    }
  }

  private func answer(
    _ message: PacketChannel.Message, _ dialogue: Dialogue, _ connection: Connection, isInterrupted: () -> Bool
  ) {
    switch message {
    case .interrupt:
      // It came too late: the target has stopped by itself.
      break
    case .tooLong:
      connection.channel.send(Reply.errorText("the packet is too long").payload(withProcess: true))
    case .packet(let payload):
      let request = Request(parsing: payload)
      if let reply = dialogue.answer(request, isInterrupted: isInterrupted) {
        connection.channel.send(reply.payload(withProcess: dialogue.knowsProcesses))
      }
      for notice in dialogue.takeNotices() {
        let line = Array("rrs: \(notice)\n".utf8)
        let standardError: Int32 = 2
        _ = rrs_write(standardError, line, line.count)
      }
      if request == .startWithoutAcknowledgements { connection.channel.acknowledges = false }
    }
  }
}

/// Takes in what the debugger has sent, and refuses another: only one at a time.
private func look(_ connection: Connection, _ listener: DebugListener, waitMilliseconds: Int32) {
  // A negative result is -EINTR: nothing is lost.
  let ready = rrs_poll_readable(listener.descriptor, connection.descriptor, waitMilliseconds)
  guard ready > 0 else { return }
  connection.receive()
  // One that came when this one had gone is the next to be served. This one's end came before it, and has been seen.
  if ready & 1 != 0, !connection.isClosed { listener.refuse() }
}

/// Whether the debugger wants the running target to stop.
private struct InterruptWatch {
  /// How long the socket isn't looked at: a system call at every question would cost more than what runs in between.
  static let intervalNanoseconds: UInt64 = 5_000_000

  let connection: Connection
  let listener: DebugListener
  private var lastLook: UInt64 = 0

  init(connection: Connection, listener: DebugListener) {
    self.connection = connection
    self.listener = listener
  }

  mutating func isInterrupted() -> Bool {
    let now = rrs_monotonic_nanoseconds()
    guard now &- lastLook >= Self.intervalNanoseconds else { return false }
    lastLook = now
    look(connection, listener, waitMilliseconds: 0)
    return connection.isClosed || connection.channel.takeInterrupt()
  }
}
