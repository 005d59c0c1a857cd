import DebugServer
import Foundation
import KernelABI
import RemoteProtocol
import TestSupport
import Testing

/// Sockets: interrupts, other debuggers, ends.
@Suite(.timeLimit(.minutes(10))) struct ConnectionTests {
  static func endless() -> FakeTarget {
    let target = FakeTarget()
    target.isEndless = true
    return target
  }

  @Test func interruptStopsARunningTargetAndWhatWaitsStaysQueued() throws {
    let target = Self.endless()
    let served = try ServedTarget(target)
    let client = try Client(port: served.port)
    #expect(try client.ask("QStartNoAckMode") == "OK")
    try client.send(PacketEncoder.frame(Array("c".utf8)))
    try client.send(PacketEncoder.frame(Array("qC".utf8)) + [3] + PacketEncoder.frame(Array("?".utf8)))
    #expect(try client.reply() == "T02thread:1f;")
    #expect(try client.reply() == "QC1f")
    #expect(try client.reply() == "T00thread:1f;")
    // One that comes while nothing runs is too late.
    try client.send([3])
    #expect(try client.ask("qC") == "QC1f")
    #expect(try client.ask("s") == "T05thread:1f;")
    #expect(try client.ask("D") == "OK")
    #expect(try served.finish() == .detached)
    // The target asked at every state, and the socket was looked at far less often.
    #expect(target.interruptQuestions > 100)
  }

  @Test func aRunningTargetStopsWhenTheDebuggerIsGone() throws {
    let served = try ServedTarget(Self.endless())
    let client = try Client(port: served.port)
    #expect(try client.ask("QStartNoAckMode") == "OK")
    try client.send(PacketEncoder.frame(Array("c".utf8)))
    client.close()
    #expect(try served.finish() == .disconnected)
  }

  @Test(arguments: [false, true]) func aSecondDebuggerIsRefusedAtOnce(whileRunning: Bool) throws {
    let served = try ServedTarget(Self.endless())
    let client = try Client(port: served.port)
    #expect(try client.ask("QStartNoAckMode") == "OK")
    if whileRunning { try client.send(PacketEncoder.frame(Array("c".utf8))) }
    let second = try Client(port: served.port)
    #expect(try second.next() == nil)
    if whileRunning {
      try client.send([3])
      #expect(try client.reply() == "T02thread:1f;")
    }
    #expect(try client.ask("qC") == "QC1f")
    try client.send(PacketEncoder.frame(Array("k".utf8)))
    #expect(try served.finish() == .killed)
  }

  @Test func oneAfterTheOther() throws {
    let target = FakeTarget()
    let served = try ServedTarget(target, keepsListening: true)
    for last in ["D", nil, "k"] {
      let client = try Client(port: served.port)
      #expect(try client.ask("qC") == "QC1f")
      #expect(try client.ask("Z0,401010,1") == "OK", "what the one before left behind is gone")
      if let last { try client.send(PacketEncoder.frame(Array(last.utf8))) }
      if last == "D" { #expect(try client.reply() == "OK") }
      client.close()
    }
    #expect(try served.finish() == .killed)
    #expect(target.breakpoints.isEmpty)
  }

  @Test func packetsAboveTheLimitAreAnswered() throws {
    let served = try ServedTarget()
    let client = try Client(port: served.port)
    #expect(try client.ask([UInt8](repeating: 0x6d, count: 0x10_0001)) == "E.the packet is too long")
    #expect(try client.ask("qC") == "QC1f")
    // The largest reply that fits.
    #expect(try client.ask("m404000,ffffffff")?.utf8.count == 0x2000)
    client.close()
    #expect(try served.finish() == .disconnected)
  }

  @Test func addresses() throws {
    let first = try DebugListener(host: "localhost")
    #expect(first.host == "127.0.0.1")
    #expect(first.port > 0)
    #expect(throws: KernelError.self) { try DebugListener(port: first.port) }
    #expect(throws: KernelError.self) { try DebugListener(host: "a name") }
    #expect(try DebugListener(host: "::1").port > 0)
  }

  @Test func hostileStreams() throws {
    var random = SeededRandom()
    let served = try ServedTarget(keepsListening: true)
    let words = [
      "m404000,8", "g", "p10", "Z0,401010,1;X4,", "vCont;s", "bs", "vFile:open:2f,0,0", "qXfer:auxv:read::0,10", "vRun;",
      "Hgp1f.",
    ]
    for _ in 0..<20 {
      let client = try Client(port: served.port)
      for _ in 0..<100 {
        var frame = PacketEncoder.frame(Array(words.randomElement(using: &random)!.utf8))
        if Bool.random(using: &random) {
          frame[Int.random(in: 0..<frame.count, using: &random)] = UInt8.random(in: .min ... .max, using: &random)
        }
        try client.send(frame)
      }
      #expect(try client.ask("qC") != nil, "seed \(random.seed)")
      client.close()
    }
    let client = try Client(port: served.port)
    #expect(try client.ask("qSupported")?.hasPrefix("PacketSize") == true, "seed \(random.seed)")
    try client.send(PacketEncoder.frame(Array("k".utf8)))
    #expect(try served.finish() == .killed)
  }
}
