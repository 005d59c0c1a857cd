import KernelABI
import SystemPackage
import Testing

@Suite struct WaitStatusTests {
  @Test func everyKindOfStop() {
    #expect(WaitStatus(raw: 0x0300) == .exited(code: 3))
    #expect(WaitStatus(raw: 9) == .killed(.kill, dumpedCore: false))
    #expect(WaitStatus(raw: 0x8b) == .killed(.segmentationFault, dumpedCore: true))
    #expect(WaitStatus(raw: 0x857f) == .syscallStop)
    #expect(WaitStatus(raw: 0x0b7f) == .signalStop(.segmentationFault))
    #expect(WaitStatus(raw: 7 << 16 | 0x057f) == .event(.seccomp, .trap))
    #expect(WaitStatus(raw: 128 << 16 | 0x137f) == .event(.stop, .stop))
    #expect(WaitStatus(raw: 0xffff) == .continued)
  }

  @Test func exitsKeepTheirEncoding() {
    for raw: Int32 in [0, 0x0100, 0xff00, 9, 0x8b, 15] { #expect(WaitStatus(raw: raw).rawExit == raw) }
    #expect(WaitStatus.syscallStop.rawExit == nil)
  }
}

@Suite struct SignalTests {
  @Test func namesAndNumbers() {
    #expect(Signal(parsing: "SIGSEGV") == .segmentationFault)
    #expect(Signal(parsing: "term") == .terminate)
    #expect(Signal(parsing: "64")?.description == "SIGRT_32")
    #expect(Signal(parsing: "0") == nil)
    #expect(Signal(parsing: "65") == nil)
    #expect(Signal(parsing: "nonsense") == nil)
    for number in Int32(1)...31 {
      #expect(Signal(parsing: Signal(rawValue: number).description)?.rawValue == number)
    }
  }

  @Test func defaultActions() {
    #expect(Signal.child.defaultAction == .ignore)
    #expect(Signal.stop.defaultAction == .stop)
    #expect(Signal.quit.defaultAction == .dumpCore)
    #expect(Signal(rawValue: 40).defaultAction == .terminate)
  }

  @Test func faultsAreToldFromSentSignals() {
    var bytes = [UInt8](repeating: 0, count: SignalInfo.byteCount)
    bytes[0] = 11
    bytes[8] = 1
    #expect(SignalInfo(bytes: bytes).isFault)
    bytes[8] = 0
    #expect(!SignalInfo(bytes: bytes).isFault)
    bytes[0] = 15
    bytes[8] = 1
    #expect(!SignalInfo(bytes: bytes).isFault)
    #expect(SignalInfo(bytes: [11]).bytes.count == SignalInfo.byteCount)
  }
}

@Suite struct RegistersTests {
  @Test func layoutIsTheKernels() {
    #expect(MemoryLayout<Registers>.size == Registers.byteCount)
    #expect(Registers().named.count * 8 == Registers.byteCount)
  }

  @Test func systemCallConvention() {
    var registers = Registers()
    for index in 0..<6 { registers.setArgument(index, UInt64(index) + 10) }
    let arguments = [registers.rdi, registers.rsi, registers.rdx, registers.r10, registers.r8, registers.r9]
    #expect(arguments == [10, 11, 12, 13, 14, 15])
    registers.syscallResult = -2
    #expect(registers.rax == 0xffff_ffff_ffff_fffe)
    #expect(registers.syscallFailed)
    registers.syscallResult = -4096
    #expect(!registers.syscallFailed)
    registers.syscallNumber = -1
    #expect(registers.origRax == UInt64.max)
  }
}

@Suite struct RangeTests {
  @Test func pages() {
    #expect(RemotePointer(0x1fff).pageStart == RemotePointer(0x1000))
    #expect(RemotePointer(0x1001).pageEnd == RemotePointer(0x2000))
    #expect(RemotePointer(0x1000).pageEnd == RemotePointer(0x1000))
  }

  @Test func intersections() {
    let range = RemoteRange(RemotePointer(0x1000), RemotePointer(0x3000))
    #expect(range.intersection(RemoteRange(RemotePointer(0x2000), RemotePointer(0x4000)))?.byteCount == 0x1000)
    #expect(range.intersection(RemoteRange(RemotePointer(0x3000), RemotePointer(0x4000))) == nil)
    #expect(range.contains(RemotePointer(0x2fff)))
    #expect(!range.contains(RemotePointer(0x3000)))
  }

  @Test func refusalsBecomeErrors() {
    #expect(throws: KernelError.self) { try check(-2, "open") }
    #expect((try? check(7, "open")) == 7)
    let error = KernelError("open /x", tid: Tid(3), errno: .noSuchFileOrDirectory)
    #expect(error.description.hasPrefix("open /x (tracee 3)"))
  }
}
