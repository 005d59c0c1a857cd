import Foundation
import Glibc
import RemoteProtocol
import TestSupport

/// A debugger, byte by byte.
final class Client {
  let descriptor: Int32
  private var decoder = PacketDecoder(byteCountMax: 1 << 21)
  private var pending: [PacketDecoder.Item] = []

  init(port: UInt16) throws {
    // Other tests' children must not inherit it: the connection would outlive its end here.
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    }
    guard result == 0 else { throw TestFailure("can't connect: \(String(cString: strerror(errno)))") }
    var patience = timeval(tv_sec: 20, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
  }

  deinit { close() }

  private var isClosed = false
  func close() {
    if !isClosed {
      // Children that other tests start hold a copy until they execute a program: the end of the connection mustn't wait.
      _ = shutdown(descriptor, Int32(SHUT_RDWR))
      _ = Glibc.close(descriptor)
    }
    isClosed = true
  }

  func send(_ bytes: [UInt8]) throws {
    guard Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else {
      throw TestFailure("can't send")
    }
  }

  /// The next thing that the server says; nil at the end of the connection.
  func next() throws -> PacketDecoder.Item? {
    while pending.isEmpty {
      var buffer = [UInt8](repeating: 0, count: 65536)
      let count = recv(descriptor, &buffer, buffer.count, 0)
      if count < 0, errno == EAGAIN { throw TestFailure("no answer") }
      guard count > 0 else { return nil }
      pending += buffer[..<count].compactMap { decoder.take($0) }
    }
    return pending.removeFirst()
  }

  /// The next packet, whatever acknowledgements come before it.
  func reply() throws -> String? {
    while let item = try next() {
      if case .packet(let payload) = item { return String(decoding: payload, as: UTF8.self) }
    }
    return nil
  }

  func ask(_ payload: String) throws -> String? { try ask(Array(payload.utf8)) }

  func ask(_ payload: [UInt8]) throws -> String? {
    try send(PacketEncoder.frame(payload))
    return try reply()
  }
}
