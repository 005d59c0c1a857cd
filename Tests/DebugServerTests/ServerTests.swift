import DebugServer
import Debugging
import Foundation
import RemoteProtocol
import TestSupport
import Testing

/// The server's answers, packet by packet.
@Suite(.timeLimit(.minutes(10))) struct ServerTests {
  static let hello = "qSupported:multiprocess+;swbreak+;hwbreak+;fork-events+;vfork-events+;exec-events+"

  /// Serves `target`, and talks with it without acknowledgements.
  static func converse(
    _ target: FakeTarget = FakeTarget(), hello: String = hello, _ body: (Client) throws -> Void
  ) throws {
    let served = try ServedTarget(target)
    let client = try Client(port: served.port)
    _ = try client.ask(hello)
    #expect(try client.ask("QStartNoAckMode") == "OK")
    try body(client)
    #expect(try client.ask("D;1f") == "OK")
    #expect(try client.next() == nil)
    #expect(try served.finish() == .detached)
    #expect(target.breakpoints.isEmpty)
    #expect(target.passedSignals.isEmpty)
  }

  @Test func greeting() throws {
    let all =
      "PacketSize=100000;QStartNoAckMode+;qXfer:features:read+;qXfer:auxv:read+;qXfer:exec-file:read+;"
      + "qXfer:siginfo:read+;qXfer:siginfo:write+;multiprocess+;hwbreak+;swbreak+;ConditionalBreakpoints+;vContSupported+;"
      + "QPassSignals+;ReverseContinue+;ReverseStep+"
    let served = try ServedTarget()
    let client = try Client(port: served.port)
    try client.send(PacketEncoder.frame(Array("qSupported".utf8)))
    #expect(try client.next() == .acknowledged)
    #expect(try client.next() == .packet(Array(all.utf8)))
    #expect(try client.ask(Self.hello) == all + ";fork-events+;exec-events+")
    // A damaged packet, then a request to send the reply once more.
    try client.send(Array("$g#00".utf8))
    #expect(try client.next() == .refused)
    try client.send(Array("-".utf8))
    #expect(try client.next() == .packet(Array((all + ";fork-events+;exec-events+").utf8)))
    client.close()
    #expect(try served.finish() == .disconnected)
  }

  @Test func queries() throws {
    let target = FakeTarget()
    target.executable = "/bin/a"
    try Self.converse(target) { (client: Client) throws in
      let rows: [(String, String)] = [
        ("!", "OK"), ("?", "T00thread:p1f.1f;"), ("qAttached:1f", "1"), ("qC", "QCp1f.1f"),
        ("vMustReplyEmpty", ""), ("jThreadsInfo", ""),
        ("qfThreadInfo", "mp1f.1f,p1f.20"), ("qsThreadInfo", "l"), ("qThreadExtraInfo,p1f.20", "776f726b6572"),
        ("Tp1f.20", "OK"), ("Tp1f.21", "E.there is no such thread"), ("vCont?", "vCont;c;C;s;S"),
        ("qSymbol::", "OK"), ("qOffsets", ""),
        ("p0", "0000000000000000"), ("p10", "0010400000000000"), ("p3e8", "E01"), ("P0=0000000000000000", "OK"),
        ("P0=0100000000000000", "E.registers can't be changed in a recording"), ("P0=01", "E01"),
        ("m404000,2", "0000"), ("m404ffe,8", "feff"), ("m0,8", "E01"), ("x404010,2", "\u{10}\u{11}"), ("x0,0", "OK"),
        ("x0,1", "E01"),
        ("M404000,1:ff", "E.memory can't be changed in a recording"), ("X404000,0:", "OK"),
        ("qSearch:memory:404000;1000;\u{41}\u{42}", "1,404041"), ("qSearch:memory:404000;1000;\u{41}\u{41}", "0"),
        ("qSearch:memory:404000;2000;\u{41}\u{41}", "E01"), ("qSearch:memory:404000;ffffffffffffffff;\u{42}", "1,404042"),
        ("qXfer:exec-file:read:1f:0,100", "l/bin/a"), ("qXfer:exec-file:read::1,2", "mbi"), ("qXfer:libraries:read::0,100", ""),
        ("qXfer:features:read:other.xml:0,100", "E.there is no other.xml"),
        ("qXfer:auxv:read::0,10", "m\u{6}\0\0\0\0\0\0\0\0\u{10}\0\0\0\0\0\0"), ("qXfer:auxv:read::30,10", "l"),
        ("qGetTLSAddr:p1f.1f,8,7f00", "5008"), ("qGetTLSAddr:p1f.1f,8,7f01", "E.no such module"),
        ("qMemoryRegionInfo:401010", "start:401000;size:1000;permissions:rx;name:2f62696e2f61;"),
        ("qMemoryRegionInfo:10", "start:0;size:401000;"), ("m", "E16"),
        ("qRRCmd:when:1f", String(Hex.encode("Completed event: 0"))),
        ("qRRCmd:other:20:6162:", Hex.encode("other [\"ab\", \"\"] of 32")), ("qRRCmd:other:99", Hex.encode("other [] of nobody")),
        ("qRRCmd:restart:-1:33", "place:c3"), ("qRcmd,\(Hex.encode("when"))", Hex.encode("Completed event: 0\n")),
        ("qRcmd,\(Hex.encode("seek-ticks 7"))", Hex.encode("To go there: run t7\n")),
      ]
      for (question, answer) in rows { #expect(try client.ask(question) == answer, "\(question)") }
      let registers = try client.ask("g") ?? ""
      #expect(registers.utf8.count == RegisterFile(target.features).byteCount * 2)
      #expect(try client.ask("G" + registers) == "OK")
      #expect(try client.ask("G" + "01" + registers.dropFirst(2)) == "E.registers can't be changed in a recording")
    }
  }

  @Test func threadsAreSelected() throws {
    try Self.converse { (client: Client) throws in
      #expect(try client.ask("p3") == "0000000000000000")
      #expect(try client.ask("p1") == "0100000000000000")
      #expect(try client.ask("Hgp1f.20") == "OK")
      #expect(try client.ask("p1") == "0200000000000000")
      #expect(try client.ask("Hg0") == "OK")
      #expect(try client.ask("qC") == "QCp1f.20")
      #expect(try client.ask("Hgp1f.99") == "E.there is no such thread")
      #expect(try client.ask("p1;thread:p1f.1f;") == "0100000000000000")
    }
  }

  @Test func motion() throws {
    let target = FakeTarget()
    target.last = 100
    target.events = [30: .signal(11), 40: .exec(path: "/b")]
    try Self.converse(target) { (client: Client) throws in
      let rows: [(String, String)] = [
        ("vCont;s:p1f.1f;c:p1f.-1", "T05thread:p1f.1f;"), ("bs", "T05thread:p1f.1f;"), ("bs", "T05thread:p1f.1f;replaylog:begin;"),
        ("Z0,401010,1", "OK"), ("c", "T05thread:p1f.1f;swbreak:;"), ("p0", "1000000000000000"),
        ("bc", "T05thread:p1f.1f;replaylog:begin;"),
        // The same one with a condition: rax equals 0x30.
        ("Z0,401010,1;X8,26000022301327", "E16"), ("Z0,401010,1;X7,26000022301327", "OK"),
        ("vCont;c:p1f.-1", "T0bthread:p1f.1f;"), ("p0", "1e00000000000000"), ("z0,401010,1", "OK"), ("z0,401010,1", "OK"),
        ("Z1,401020,1", "OK"), ("c", "T05thread:p1f.1f;hwbreak:;"), ("z1,401020,1", "OK"),
        ("c", "T05thread:p1f.1f;exec:2f62;"),
        ("Z2,404000,8", "OK"), ("c", "T05thread:p1f.1f;watch:404000;"), ("p0", "3200000000000000"), ("z2,404000,8", "OK"),
        ("Z4,404000,8", "OK"), ("bc", "T05thread:p1f.1f;awatch:404000;"), ("z4,404000,8", "OK"),
        ("Z3,404000,ffffffffffffffff", "E.that many bytes can't be watched"),
        // Backward, a new image is no event.
        ("bc", "T05thread:p1f.1f;"), ("p0", "2800000000000000"),
        ("QPassSignals:b", "OK"), ("bc", "T05thread:p1f.1f;replaylog:begin;"), ("QPassSignals:", "OK"),
        ("vCont;C0b", "T0bthread:p1f.1f;"), ("?", "T0bthread:p1f.1f;"),
        // gdb resumes after its run: it stays where it is.
        ("vRun;2f61;3630", "T00thread:p1f.1f;"), ("vCont;c", "T00thread:p1f.1f;"), ("p0", "3c00000000000000"),
        ("c", "T09thread:p1f.1f;"), ("?", "T09thread:p1f.1f;"), ("c", "T09thread:p1f.1f;"),
        ("bs", "T05thread:p1f.1f;"), ("p0", "6300000000000000"),
        ("vRun;;6335", "T00thread:p1f.1f;"), ("vCont;s:p1f.1f", "T05thread:p1f.1f;"), ("p0", "3300000000000000"),
        ("vRun;;7437", "T00thread:p1f.1f;"), ("p0", "0700000000000000"), ("vRun;", "T00thread:p1f.1f;"), ("p0", "0000000000000000"),
        ("vRun;;6839", "T00thread:p1f.1f;"), ("p0", "0900000000000000"), ("vRun;;7831", "T00thread:p1f.1f;"),
        // An error would have gdb think that the program is gone.
        ("vRun;;393939", "T00thread:p1f.1f;"), ("p0", "0900000000000000"), ("vKill;1f", "OK"), ("vRun;", "T00thread:p1f.1f;"),
      ]
      for (index, row) in rows.enumerated() {
        #expect(try client.ask(row.0) == row.1, "\(index): \(row.0)")
      }
    }
  }

  /// gdb forgets its breakpoints when it kills a process, and those that it has inserted twice are one.
  @Test func breakpointsOfKilledProcesses() throws {
    try Self.converse { (client: Client) throws in
      for request in ["Z0,401010,1", "Z0,401010,1", "Z1,401018,1", "vKill;1f"] { #expect(try client.ask(request) == "OK") }
      #expect(try client.ask("vRun;") == "T00thread:p1f.1f;")
      #expect(try client.ask("vCont;c") == "T00thread:p1f.1f;")
      #expect(try client.ask("Z0,401020,1") == "OK")
      #expect(try client.ask("vCont;c") == "T05thread:p1f.1f;swbreak:;")
      #expect(try client.ask("p0") == "2000000000000000")
    }
  }

  @Test func processesComeAndGo() throws {
    let target = FakeTarget()
    target.events = [151: .fork(child: FakeTarget.child), 160: .processExit(rawStatus: 3 << 8)]
    try Self.converse(target) { (client: Client) throws in
      #expect(try client.ask("qfThreadInfo") == "mp1f.1f,p1f.20")
      #expect(try client.ask("c") == "T05thread:p1f.1f;fork:p30.30;")
      #expect(try client.ask("qfThreadInfo") == "mp1f.1f,p1f.20,p30.30")
      #expect(try client.ask("c") == "W03;process:30")
      #expect(try client.ask("qfThreadInfo") == "mp1f.1f,p1f.20")
      #expect(try client.ask("bc") == "T05thread:p1f.1f;replaylog:begin;")
      #expect(try client.ask("c") == "T05thread:p1f.1f;fork:p30.30;")
      #expect(try client.ask("D;30") == "OK")
      #expect(try client.ask("qfThreadInfo") == "mp1f.1f,p1f.20")
      #expect(try client.ask("c") == "T09thread:p1f.1f;", "what happens in the other process isn't shown")
    }
    // A debugger that knows nothing of this isn't told.
    try Self.converse(target, hello: "qSupported") { (client: Client) throws in
      #expect(try client.ask("vRun;") == "T00thread:1f;")
      #expect(try client.ask("Z0,401010,1") == "OK")
      #expect(try client.ask("bc") == "T05thread:1f;replaylog:begin;")
      #expect(try client.ask("c") == "T05thread:1f;")
      #expect(try client.ask("c") == "T09thread:1f;")
      #expect(try client.ask("qfThreadInfo") == "m1f,20")
    }
  }

  @Test func diversions() throws {
    let target = FakeTarget()
    target.isWritable = true
    try Self.converse(target) { (client: Client) throws in
      #expect(try client.ask("qXfer:siginfo:read::0,4") == "m\u{b}\0\0\0")
      #expect(try client.ask("P0=0700000000000000") == "OK")
      #expect(try client.ask("X404000,2:ab") == "OK")
      #expect(try client.ask("qXfer:siginfo:write::7f:a") == "1")
      #expect(try client.ask("qXfer:siginfo:write::80:a") == "E16")
      #expect(try client.ask("qXfer:siginfo:write::ffffffffffffffff:a") == "E16")
    }
    #expect(target.diversions.filter { $0 != "begin" } == ["registers rax=7", "end"])
    #expect(target.written == [0x40_4000: Array("ab".utf8)])
  }

  @Test func languageOfLLDB() throws {
    let target = FakeTarget()
    try Self.converse(target) { (client: Client) throws in
      #expect(try client.ask("QThreadSuffixSupported") == "OK")
      #expect(try client.ask("QListThreadsInStopReply") == "OK")
      #expect(try client.ask("vCont;s:p1f.1f")
        == "T05thread:p1f.1f;threads:p1f.1f,p1f.20;thread-pcs:401001,401000;")
      #expect(try client.ask("M404000,1:ff") == "E01;" + Hex.encode("memory can't be changed in a recording"))
      #expect(try client.ask("QSaveRegisterState;thread:p1f.1f;") == "1")
      #expect(try client.ask("QRestoreRegisterState:1;thread:p1f.1f;") == "OK")
      #expect(try client.ask("QRestoreRegisterState:1;thread:p1f.1f;") == "E01")
      #expect(try client.ask("_M1000,rw") == "")
      #expect(try client.ask("qRRCmd:back:1f") == "place:h3")
      #expect(try client.ask("vCont;c")?.hasPrefix("T05thread:p1f.1f;") == true)
      #expect(try client.ask("p0") == "0300000000000000")
    }
    #expect(target.diversions == ["begin", "end"])
  }

  @Test func files() throws {
    let directory = try TemporaryDirectory("files")
    let content = Array("a#$}*b".utf8)
    try Data(content).write(to: URL(fileURLWithPath: directory.file("f")))
    try Self.converse { (client: Client) throws in
      #expect(try client.ask("vFile:setfs:0") == "F0")
      #expect(try client.ask("vFile:open:\(Hex.encode("/none")),0,0") == "F-1,2")
      #expect(try client.ask("vFile:open:\(Hex.encode(directory.file("f"))),1,0") == "F-1,1e")
      let opened = try client.ask("vFile:open:\(Hex.encode(directory.file("f"))),0,0") ?? ""
      let descriptor = opened.dropFirst()
      #expect(opened.hasPrefix("F"))
      #expect(try client.ask("vFile:pread:\(descriptor),100,0") == "F6;a#$}*b")
      #expect(try client.ask("vFile:pread:\(descriptor),2,5") == "F1;b")
      #expect(try client.ask("vFile:pread:\(descriptor),2,6") == "F0;")
      let status = try client.ask("vFile:fstat:\(descriptor)") ?? ""
      #expect(status.hasPrefix("F40;"))
      #expect(try client.ask("vFile:close:\(descriptor)") == "F0")
      // Descriptors of this process that aren't the debugger's files.
      for number in ["0", "1", String(descriptor)] {
        #expect(try client.ask("vFile:pread:\(number),1,0") == "F-1,9")
        #expect(try client.ask("vFile:close:\(number)") == "F-1,9")
        #expect(try client.ask("vFile:fstat:\(number)") == "F-1,9")
      }
    }
  }
}
