private import CLinuxShim
package import KernelABI
private import SystemPackage

/// Where debuggers connect. It is closed with its last reference.
package final class DebugListener {
  /// As it was bound: of an address for numbers only, `localhost` being 127.0.0.1.
  package let host: String
  package let port: UInt16
  let descriptor: Int32

  /// Port 0: any that is free.
  package init(host: String = "127.0.0.1", port: UInt16 = 0) throws(KernelError) {
    self.host = host == "localhost" ? "127.0.0.1" : host
    descriptor = Int32(try check(rrs_listen(self.host, port), "listen at \(host):\(port)"))
    do {
      self.port = UInt16(try check(rrs_local_port(descriptor), "getsockname"))
    } catch {
      _ = rrs_close(descriptor)
      throw error
    }
  }

  deinit { _ = rrs_close(descriptor) }

  /// Waits for a debugger.
  func accept() throws(KernelError) -> Connection {
    while true {
      let result = rrs_accept(descriptor)
      switch Errno(rawValue: Int32(clamping: -result)) {
      case _ where result >= 0: return Connection(descriptor: Int32(result))
      case .resourceTemporarilyUnavailable, .interrupted, .connectionAbort:
        _ = rrs_poll_readable(descriptor, -1, -1)
      default: _ = try check(result, "accept a debugger")
      }
    }
  }

  /// Closes the connection of the debugger that has waited longest.
  func refuse() {
    let result = rrs_accept(descriptor)
    if result >= 0 { _ = rrs_close(Int32(result)) }
  }
}
