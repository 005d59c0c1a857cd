import Syscalls
import Testing

@Suite struct NameTableTests {
  @Test(arguments: NameTable.allCases)
  func everyTableHasNames(table: NameTable) {
    let someNames = (0...64).contains { table.name(of: UInt64($0)) != nil }
    let flags = (0..<64).contains { !table.describe(1 << UInt64($0)).hasPrefix("0x") }
    let listed = (0x1000...0x5010).contains { table.name(of: UInt64($0)) != nil }
    #expect(someNames || flags || listed)
  }

  @Test func bitsWithoutNamesShowAsNumbers() {
    #expect(NameTable.openFlags.describe(0x80_0001) == "O_WRONLY|0x800000")
    #expect(NameTable.mmapProtection.describe(0) == "PROT_NONE")
    #expect(NameTable.xattrFlags.describe(0) == "0")
    #expect(NameTable.xattrFlags.describe(8) == "0x8")
  }

  @Test func wideFlagsComeBeforeTheirParts() {
    #expect(NameTable.openFlags.describe(0x101000) == "O_RDONLY|O_SYNC")
    #expect(NameTable.openFlags.describe(0x1000) == "O_RDONLY|O_DSYNC")
    #expect(NameTable.openFlags.describe(0x410002) == "O_RDWR|O_TMPFILE")
    #expect(NameTable.statxMask.describe(0xfff) == "STATX_ALL")
  }

  @Test func choicesInsideFlags() {
    #expect(NameTable.mmapFlags.describe(0x32) == "MAP_PRIVATE|MAP_FIXED|MAP_ANONYMOUS")
    #expect(NameTable.cloneFlags.describe(0x0120_0011) == "SIGCHLD|CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID")
    #expect(NameTable.ipcGetFlags.describe(0o1600) == "IPC_CREAT|0600")
    #expect(NameTable.resourceUsageWho.name(of: UInt64.max) == "RUSAGE_CHILDREN")
  }

  @Test func errors() {
    #expect(ErrorNames.name(2) == "ENOENT")
    #expect(ErrorNames.message(11) == "Resource temporarily unavailable")
    #expect(ErrorNames.name(133) == "EHWPOISON")
    #expect(ErrorNames.name(4095) == nil)
  }
}
