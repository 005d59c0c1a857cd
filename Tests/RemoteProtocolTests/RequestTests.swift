import KernelABI
import RemoteProtocol
import Testing

/// Each packet, and broken forms of it.
@Suite struct RequestTests {
  static let one = ThreadSelector(process: .one(0x1f), thread: .one(0x20))

  static let wellFormed: [(String, Request)] = [
    ("!", .extendedMode), ("?", .stopReason), ("qAttached:1f", .attached), ("qAttached", .attached),
    ("qSupported:multiprocess+;swbreak+;xmlRegisters=i386", .supported(["multiprocess+", "swbreak+", "xmlRegisters=i386"])),
    ("qSupported", .supported([])), ("QStartNoAckMode", .startWithoutAcknowledgements),
    ("D", .detach(process: nil)), ("D;1f", .detach(process: 0x1f)), ("k", .kill), ("vKill;1f", .killProcess(0x1f)),
    ("vRun;", .run(program: [], arguments: [])), ("vRun;2f61;6331", .run(program: [0x2f, 0x61], arguments: [[0x63, 0x31]])),
    ("Hgp1f.20", .selectThread(one, forResuming: false)),
    ("Hc-1", .selectThread(.init(process: nil, thread: .all), forResuming: true)),
    ("Hg0", .selectThread(.init(process: nil, thread: .any), forResuming: false)),
    ("Hgp0.0", .selectThread(.init(process: .any, thread: .any), forResuming: false)),
    ("Hcp1f.-1", .selectThread(.init(process: .one(0x1f), thread: .all), forResuming: true)),
    ("Hgp1f", .selectThread(.init(process: .one(0x1f), thread: .all), forResuming: false)),
    ("Tp1f.20", .isThreadAlive(one)), ("qC", .currentThread), ("qfThreadInfo", .firstThreads), ("qsThreadInfo", .moreThreads),
    ("qThreadExtraInfo,p1f.20", .threadName(one)),
    ("g", .readRegisters(nil)), ("g;thread:p1f.20;", .readRegisters(one)), ("g;thread:p1f.20", .readRegisters(one)),
    ("G0102", .writeRegisters([1, 2], nil)), ("G0102;thread:p1f.20;", .writeRegisters([1, 2], one)),
    ("p10", .readRegister(16, nil)), ("p10;thread:20;", .readRegister(16, .init(process: nil, thread: .one(0x20)))),
    ("P10=ff00", .writeRegister(16, [0xff, 0], nil)), ("P10=ff;thread:p1f.20;", .writeRegister(16, [0xff], one)),
    ("m7fffffffe000,40", .readMemory(0x7fff_ffff_e000, count: 64)),
    ("mffffffffffffffff,ffffffffffffffff", .readMemory(.max, count: .max)),
    ("x0,0", .readMemoryBinary(0, count: 0)), ("M10,2:0a0b", .writeMemory(16, [10, 11])),
    ("X10,0:", .writeMemory(16, [])), ("X10,2:\u{3}:", .writeMemory(16, [3, 0x3a])),
    ("qSearch:memory:10;20;ab;", .searchMemory(16, count: 32, pattern: Array("ab;".utf8))),
    ("qGetTLSAddr:p1f.20,8,7f00", .threadLocalAddress(one, offset: 8, linkMap: 0x7f00)),
    ("qXfer:features:read:target.xml:0,1000", .readObject(name: "features", annex: "target.xml", offset: 0, count: 0x1000)),
    ("qXfer:auxv:read::10,20", .readObject(name: "auxv", annex: "", offset: 16, count: 32)),
    ("qXfer:siginfo:write::0:a:b", .writeObject(name: "siginfo", annex: "", offset: 0, Array("a:b".utf8))),
    ("Z0,401000,1", .insertBreakpoint(.init(kind: 0, address: 0x401000, byteCount: 1))),
    ("z4,10,8", .removeBreakpoint(.init(kind: 4, address: 16, byteCount: 8))),
    (
      "Z0,401000,1;X2,2201X1,27", .insertBreakpoint(
        .init(kind: 0, address: 0x401000, byteCount: 1, conditions: [[0x22, 1], [0x27]]))
    ),
    (
      "Z1,401000,1;X1,27;X1,28", .insertBreakpoint(
        .init(kind: 1, address: 0x401000, byteCount: 1, conditions: [[0x27], [0x28]]))
    ),
    ("vCont?", .resumeActions), ("vCont;c", .resume([.init(steps: false)])),
    ("vCont;s:p1f.20;c:p1f.-1", .resume([
      .init(steps: true, thread: one), .init(steps: false, thread: .init(process: .one(0x1f), thread: .all)),
    ])),
    ("vCont;C0b:p1f.20", .resume([.init(steps: false, thread: one)])), ("vCont;S05", .resume([.init(steps: true)])),
    ("c", .resume([.init(steps: false)])), ("C05", .resume([.init(steps: false)])), ("s", .resume([.init(steps: true)])),
    ("S05;401000", .resume([.init(steps: true)])), ("bc", .reverseContinue), ("bs", .reverseStep),
    ("QPassSignals:e;10;14", .passSignals([14, 16, 20])), ("QPassSignals:", .passSignals([])),
    ("vFile:setfs:0", .setFileSystem(process: 0)),
    ("vFile:open:2f61,0,1c0", .openFile(path: [0x2f, 0x61], flags: 0, mode: 0x1c0)),
    ("vFile:pread:5,1000,10", .readFile(5, count: 0x1000, offset: 16)), ("vFile:close:5", .closeFile(5)),
    ("vFile:fstat:5", .fileStatus(5)), ("vFile:readlink:2f61", .readLink(path: [0x2f, 0x61])), ("vFile:unlink:2f", .unknown),
    ("qRRCmd:when:20", .command(name: "when", thread: 0x20, arguments: [])),
    ("qRRCmd:when:-1", .command(name: "when", thread: nil, arguments: [])),
    ("qRRCmd:checkpoint:20:6d61:", .command(name: "checkpoint", thread: 0x20, arguments: [[0x6d, 0x61], []])),
    ("qRcmd,7768656e", .monitor(Array("when".utf8))), ("qSymbol::", .symbols), ("qOffsets", .offsets), ("qTStatus", .offsets),
    ("QListThreadsInStopReply", .listThreadsInStopReplies), ("QThreadSuffixSupported", .threadSuffixes),
    ("QSaveRegisterState;thread:p1f.20;", .saveRegisters(one)), ("QSaveRegisterState", .saveRegisters(nil)),
    ("QRestoreRegisterState:3;thread:p1f.20;", .restoreRegisters(3, one)),
    ("qMemoryRegionInfo:7f00", .memoryRegion(0x7f00)), ("_M1000,rw", .allocate(count: 0x1000, permissions: "rw")),
    ("_m7f00", .deallocate(0x7f00)),
    ("vMustReplyEmpty", .unknown), ("jThreadsInfo", .unknown), ("qHostInfo", .unknown), ("qProcessInfo", .unknown),
    ("qShlibInfoAddr", .unknown), ("vAttachOrWait;61", .unknown), ("", .unknown), ("b", .unknown),
    ("bx", .unknown), ("_", .unknown),
  ]

  @Test(arguments: wellFormed.indices) func packet(_ index: Int) {
    let (text, expected) = Self.wellFormed[index]
    #expect(Request(parsing: Array(text.utf8)) == expected, "\(text)")
  }

  @Test(arguments: [
    "H", "Hx1", "Hg", "Hgp", "Hgp1.", "Hg80000000", "T", "D;", "D;x", "G012", "Gzz", "p", "pzz", "P1", "P1=0", "m", "m1", "m1,",
    "m10000000000000000,1", "x1", "M1,2:01", "M1,1:0", "X1,2:a", "X1", "Z5,1,1", "Z0", "Z0,1", "Z0,1,1;X2,22", "Z0,1,1;X1,zz",
    "Z0,1,1;Xffffffffffffffff,22", "Z0,1,1;Y", "vCont", "vCont;", "vCont;x", "vCont;c:", "vCont;C", "vCont;cc", "vRun", "vRun;1",
    "vKill;", "vFile", "vFile:open", "vFile:open:2f", "vFile:open:2f,0", "vFile:pread:1", "qXfer", "qXfer:auxv", "qXfer:auxv:read",
    "qXfer:auxv:read:", "qXfer:auxv:read::", "qXfer:auxv:read::0", "qXfer:auxv:erase::0,1", "qSearch:memory:1", "qGetTLSAddr:1,2",
    "qThreadExtraInfo", "QPassSignals", "QPassSignals:x", "QPassSignals:1x", "qRRCmd", "qRRCmd:when:20:6", "qRcmd", "qRcmd,6",
    "QRestoreRegisterState:", "qMemoryRegionInfo", "_M", "_M10", "_m", "g;thread:", "g;thread:1;x", "gx",
  ]) func brokenPacket(_ text: String) {
    #expect(Request(parsing: Array(text.utf8)) == .malformed)
  }

  @Test func replies() {
    let thread = ThreadIdentity(process: 0x1f, thread: 0x20)
    let child = ThreadIdentity(process: 0x21, thread: 0x21)
    func stop(_ detail: StopReply.Detail, _ signal: UInt8 = 5) -> Reply {
      .stop(StopReply(signal: signal, thread: thread, detail: detail))
    }
    var listed = StopReply(signal: 5, thread: thread)
    listed.listedThreads = [.init(thread: thread, instructionPointer: 0x401000), .init(thread: child, instructionPointer: 1)]
    let rows: [(Reply, String)] = [
      (.ok, "OK"), (.unsupported, ""), (.error(14), "E0e"), (.errorText("no #1 there"), "E.no ?1 there"),
      (.errorNumberAndText(1, "no"), "E01;6e6f"), (.text("1"), "1"), (.hex([0, 255]), "00ff"), (.raw([0x61]), "a"),
      (.part([0x61], isLast: false), "ma"), (.part([], isLast: true), "l"),
      (stop(.none, 17), "T11thread:p1f.20;"), (stop(.softwareBreakpoint), "T05thread:p1f.20;swbreak:;"),
      (stop(.hardwareBreakpoint), "T05thread:p1f.20;hwbreak:;"),
      (stop(.writeWatchpoint(0x7f00)), "T05thread:p1f.20;watch:7f00;"),
      (stop(.readWatchpoint(0x7f00)), "T05thread:p1f.20;rwatch:7f00;"),
      (stop(.accessWatchpoint(0x7f00)), "T05thread:p1f.20;awatch:7f00;"),
      (stop(.historyBegin), "T05thread:p1f.20;replaylog:begin;"), (stop(.historyEnd), "T05thread:p1f.20;replaylog:end;"),
      (stop(.fork(child: child)), "T05thread:p1f.20;fork:p21.21;"),
      (stop(.exec(path: [0x2f, 0x61])), "T05thread:p1f.20;exec:2f61;"),
      (.stop(listed), "T05thread:p1f.20;threads:p1f.20,p21.21;thread-pcs:401000,1;"),
      (.exited(code: 3, process: 0x1f), "W03;process:1f"), (.killed(signal: 9, process: 0x1f), "X09;process:1f"),
      (.file(result: 5, data: nil), "F5"),
      (.file(result: 0, data: []), "F0;"), (.file(result: 2, data: [0x61, 0x62]), "F2;ab"), (.fileError(2), "F-1,2"),
    ]
    for (reply, text) in rows { #expect(String(decoding: reply.payload(withProcess: true), as: UTF8.self) == text) }
    #expect(stop(.none).payload(withProcess: false) == Array("T05thread:20;".utf8))
    #expect(Reply.exited(code: 0, process: 1).payload(withProcess: false) == Array("W00".utf8))
  }

  @Test func partsOfObjects() {
    let object: [UInt8] = Array(0..<100)
    #expect(Reply.part(of: object, offset: 0, count: 10, byteCountMax: 1000) == .part(Array(0..<10), isLast: false))
    #expect(Reply.part(of: object, offset: 90, count: 10, byteCountMax: 1000) == .part(Array(90..<100), isLast: true))
    #expect(Reply.part(of: object, offset: 0, count: .max, byteCountMax: 42) == .part(Array(0..<20), isLast: false))
    #expect(Reply.part(of: object, offset: .max, count: .max, byteCountMax: 42) == .part([], isLast: true))
  }

  /// gdb numbers signals as in its include/gdb/signals.def.
  @Test func signalNumbers() {
    let rows: [(linux: Int32, gdb: UInt8)] = [
      (1, 1), (2, 2), (5, 5), (7, 10), (9, 9), (10, 30), (11, 11), (12, 31), (16, 143), (17, 20), (18, 19), (19, 17), (20, 18),
      (23, 16), (29, 23), (30, 32), (31, 12), (32, 77), (33, 45), (34, 46), (63, 75), (64, 78), (0, 0), (65, 143),
    ]
    for row in rows {
      #expect(GDBSignal.number(ofLinux: row.linux) == row.gdb, "\(row)")
      if row.gdb != 143, row.gdb != 0 { #expect(GDBSignal.linuxNumber(of: Int32(row.gdb)) == row.linux) }
    }
    #expect(GDBSignal.linuxNumber(of: 143) == nil)
    #expect(GDBSignal.linuxNumber(of: -1) == nil)
  }
}
