import KernelABI
import Syscalls
import Testing

@Suite struct SubcommandTests {
  private func bytes(_ row: SubcommandDescriptor?, _ index: Int) -> Int? {
    guard let row, index < row.parameters.count else { return nil }
    switch row.parameters[index].kind {
    case .output(.fixed(let size), _), .inputOutput(.fixed(let size), _): return size
    default: return nil
    }
  }

  @Test func terminalRequests() {
    let row = SubcommandTable.ioctl.row(for: 0x5401)
    #expect(row?.name == "TCGETS")
    #expect(bytes(row, 2) == 36)
    #expect(bytes(SubcommandTable.ioctl.row(for: 0x5413), 2) == 8)
    #expect(SubcommandTable.ioctl.row(for: 0x5403)?.blocking == .maybe)
    // The upper half of the register isn't part of the request.
    #expect(SubcommandTable.ioctl.row(for: 0xffff_ffff_0000_5401)?.name == "TCGETS")
  }

  @Test func sizesComeFromTheNumber() {
    // RTC_RD_TIME, _IOR('p', 0x09, struct rtc_time)
    let row = SubcommandTable.ioctl.row(for: 0x8024_7009)
    #expect(row?.name == "RTC_RD_TIME")
    #expect(row?.isGuess == false)
    #expect(bytes(row, 2) == 36)
    let name = SubcommandTable.ioctl.row(for: 0x8100_4506)
    #expect(name?.name == "EVIOCGNAME(256)")
    #expect(bytes(name, 2) == 256)
  }

  @Test func unknownRequestsAreGuesses() {
    let row = SubcommandTable.ioctl.row(for: 0x8010_eeee)
    #expect(row?.isGuess == true)
    #expect(row?.name == "_IOC(_IOC_READ, 0xee, 0xee, 0x10)")
    #expect(bytes(row, 2) == 16)
    let old = SubcommandTable.ioctl.row(for: 0xeeee)
    #expect(old?.isGuess == true)
    #expect(old?.name == "0xeeee")
    #expect(SubcommandTable.fcntl.row(for: 9999)?.isGuess == true)
    #expect(SubcommandTable.prctl.row(for: 9999)?.isGuess == true)
  }

  @Test func graphicsIsUnsupported() {
    #expect(SubcommandTable.ioctl.row(for: 0xc040_6400)?.policy == .unsupported(errno: 25))
    #expect(SubcommandTable.ioctl.row(for: 0xae01)?.policy == .unsupported(errno: 25))
  }

  @Test func locksWaitOnlyWhenAskedTo() {
    #expect(SubcommandTable.fcntl.row(for: 7)?.blocking == .maybe)
    #expect(SubcommandTable.fcntl.row(for: 6)?.blocking == .never)
    #expect(SubcommandTable.fcntl.row(for: 38)?.blocking == .maybe)
    #expect(bytes(SubcommandTable.fcntl.row(for: 5), 2) == 32)
  }

  @Test func futexModifiersDontMatter() {
    for modifiers: UInt64 in [0, 128, 256, 384] {
      #expect(SubcommandTable.futex.row(for: 0 | modifiers)?.blocking == .maybe)
      #expect(SubcommandTable.futex.row(for: 1 | modifiers)?.blocking == .never)
      #expect(SubcommandTable.futex.row(for: 9 | modifiers)?.name == "FUTEX_WAIT_BITSET")
    }
    #expect(bytes(SubcommandTable.futex.row(for: 5), 4) == 4)
    // FUTEX_LOCK_PI: the recorder keeps the word that the kernel writes.
    #expect(SubcommandTable.futex.row(for: 6)?.policy == .emulate)
  }

  @Test func theTimeStampCounterStaysOurs() {
    #expect(SubcommandTable.prctl.row(for: 26, second: 1)?.policy == .refuse(errno: 0))
    #expect(SubcommandTable.prctl.row(for: 26, second: 2)?.policy == .unsupported(errno: 22))
    let get = SubcommandTable.prctl.row(for: 25)
    #expect(get?.answer == [1, 0, 0, 0])
    #expect(get?.answerArgument == 1)
    #expect(SubcommandTable.prctl.row(for: 59)?.policy == .unsupported(errno: 22))
    #expect(SubcommandTable.prctl.row(for: 0x5961_6d61)?.policy == .refuse(errno: 0))
  }

  @Test func ringsOfPacketsAreRefused() {
    #expect(SubcommandTable.socketOptionSet.row(for: 5, second: 263)?.policy == .refuse(errno: 92))
    #expect(SubcommandTable.socketOptionSet.row(for: 13, second: 263)?.policy == .refuse(errno: 92))
    #expect(SubcommandTable.socketOptionSet.row(for: 6, second: 270)?.policy == .refuse(errno: 92))
    #expect(SubcommandTable.socketOptionSet.row(for: 5, second: 1)?.policy == .emulate)
    #expect(SubcommandTable.socketOptionGet.row(for: 4, second: 1)?.name == "SO_ERROR")
    #expect(SubcommandTable.socketOptionGet.row(for: 1, second: 6)?.name == "TCP_NODELAY")
  }

  @Test func quotaCommandsAreFoundInBothCalls() {
    // Q_GETQUOTA of a user quota
    let command: UInt64 = 0x8000_0700
    let old = SubcommandTable.quota.row(number: SyscallNumber.quotactl) { $0 == 0 ? command : 0 }
    let new = SubcommandTable.quota.row(number: SyscallNumber.quotactl_fd) { $0 == 1 ? command : 0 }
    #expect(old?.name == "Q_GETQUOTA")
    #expect(bytes(old, 3) == 72)
    #expect(new?.name == "Q_GETQUOTA")
    #expect(bytes(new, 3) == 72)
  }

  @Test func rowsReplaceTheGenericCall() {
    var registers = Registers()
    registers.syscallNumber = SyscallNumber.fcntl
    registers.setArgument(1, 7)
    let call = SyscallTable.descriptor(SyscallNumber.fcntl)?.resolved(for: registers)
    #expect(call?.blocking == .maybe)
    #expect(call?.policy == .emulate)
    #expect(call?.parameters.count == 3)
    registers.setArgument(1, 1)
    #expect(SyscallTable.descriptor(SyscallNumber.fcntl)?.resolved(for: registers).parameters.count == 2)
  }

  @Test func outputsDependOnFlags() throws {
    var registers = Registers()
    registers.syscallNumber = SyscallNumber.arch_prctl
    let row = try #require(SyscallTable.descriptor(SyscallNumber.arch_prctl))
    registers.setArgument(0, 0x1022)
    guard case .output(.fixed(8), _) = row.resolved(for: registers).parameters[1].kind else {
      Issue.record("ARCH_GET_XCOMP_PERM stores a value")
      return
    }
    registers.setArgument(0, 0x1002)
    guard case .hex = row.resolved(for: registers).parameters[1].kind else {
      Issue.record("ARCH_SET_FS stores nothing")
      return
    }
  }
}
