import KernelABI
import Syscalls
import Testing

@Suite struct SyscallTableTests {
  /// The numbers that x86-64 has up to Linux 6.18 (arch/x86/entry/syscalls/syscall_64.tbl).
  static let numbers = Array(0...336) + Array(424...469)

  @Test func everyNumberHasExactlyOneRow() {
    #expect(SyscallTable.all.map(\.number) == Self.numbers)
    for number in Self.numbers { #expect(SyscallTable.descriptor(number)?.number == number) }
    for number in [-1, 337, 423, 470, 512, Int.max, Int.min] { #expect(SyscallTable.descriptor(number) == nil) }
  }

  @Test func namesAreUniqueAndFound() {
    #expect(Set(SyscallTable.all.map(\.name)).count == SyscallTable.all.count)
    for row in SyscallTable.all { #expect(SyscallTable.named(row.name)?.number == row.number) }
    #expect(SyscallTable.named("openat")?.number == SyscallNumber.openat)
    #expect(SyscallTable.named("statmount")?.number == SyscallNumber.statmount)
    #expect(SyscallTable.named("no_such_call") == nil)
    #expect(SyscallTable.name(9999) == "syscall_9999")
  }

  @Test func parametersFitIntoRegisters() {
    for row in SyscallTable.all {
      #expect(row.parameters.count <= 6, "\(row.name)")
      checkIndices(row.parameters, row.name)
    }
  }

  @Test func rowsOfRequestsFitIntoRegisters() {
    for table in SubcommandTable.allCases {
      for request in table.knownRequests {
        guard let row = table.row(for: full(request, of: table)) else {
          Issue.record("\(table) \(request) has no row")
          continue
        }
        #expect(!row.isGuess, "\(row.name)")
        checkIndices(row.parameters, row.name)
        if case .special = row.policy { Issue.record("\(row.name) needs code in a table of requests") }
        if case .subcommand = row.policy { Issue.record("\(row.name) needs another table") }
      }
    }
  }

  /// The quota type is part of quotactl's command.
  private func full(_ request: UInt64, of table: SubcommandTable) -> UInt64 { table == .quota ? request << 8 : request }

  private func checkIndices(_ parameters: [Parameter], _ name: String) {
    for parameter in parameters {
      for index in indices(parameter.kind) {
        #expect((0..<6).contains(index), "\(name): \(parameter.name)")
      }
      if case .output(.lengthPointer(let index), _) = parameter.kind {
        guard case .inputOutput(.fixed(4), _) = parameters[index].kind else {
          Issue.record("\(name): the length of \(parameter.name) is no value-result length")
          continue
        }
      }
    }
  }

  private func indices(_ kind: Parameter.Kind) -> [Int] {
    switch kind {
    case .input(let count, _), .output(let count, _), .inputOutput(let count, _), .structureWithBuffers(let count, _):
      indices(count)
    case .inputVector(let count), .outputVector(let count), .inputMessages(let count), .outputMessages(let count):
      [count]
    default: []
    }
  }

  private func indices(_ count: Parameter.ByteCount) -> [Int] {
    switch count {
    case .argument(let index), .result(let index), .lengthPointer(let index), .lengthPointer64(let index),
      .pages(let index), .elements(_, let index), .resultElements(_, let index), .descriptorSet(let index),
      .headerAndResult(_, let index):
      [index]
    case .fixed, .terminatedString, .selfDescribed32, .counted: []
    }
  }

  @Test func refusedCallsSayWhy() {
    for row in SyscallTable.all {
      if case .unsupported(let errno) = row.policy {
        #expect(row.note != nil, "\(row.name)")
        #expect((1...133).contains(errno), "\(row.name)")
      }
      if row.name.hasPrefix("io_") {
        let isAsynchronous = row.policy == .refuse(errno: 38)
        #expect(isAsynchronous || row.name == "io_uring", "\(row.name)")
      }
    }
  }

  /// The policies that others rely on.
  @Test func policies() {
    func policy(_ name: String) -> SyscallDescriptor.Policy? { SyscallTable.named(name)?.policy }
    #expect(policy("read") == .emulate)
    #expect(policy("mmap") == .special(.map))
    #expect(policy("clone3") == .special(.clone))
    #expect(policy("rseq") == .refuse(errno: 38))
    #expect(policy("ptrace") == .unsupported(errno: 1))
    #expect(policy("seccomp") == .unsupported(errno: 22))
    #expect(policy("close_range") == .emulate)
    #expect(policy("futex") == .subcommand(.futex))
    #expect(policy("quotactl_fd") == .subcommand(.quota))
    #expect(policy("getrandom") == .emulate)
  }

  @Test(arguments: [
    "read", "pread64", "readv", "write", "writev", "openat", "open", "connect", "accept4", "recvmsg", "sendmsg", "poll",
    "ppoll", "select", "pselect6", "epoll_wait", "epoll_pwait2", "futex", "futex_waitv", "wait4", "waitid", "nanosleep",
    "clock_nanosleep", "flock", "msgrcv", "msgsnd", "semop", "semtimedop", "rt_sigsuspend", "rt_sigtimedwait", "pause",
    "splice", "tee", "sendfile", "mq_timedreceive", "vfork", "restart_syscall",
  ])
  func sleepingCallsGiveWay(name: String) {
    #expect(SyscallTable.named(name)?.blocking == .maybe)
  }

  @Test(arguments: ["fsync", "copy_file_range", "execve", "mmap", "kill", "close", "stat", "futex_wake", "sched_yield"])
  func othersDoNot(name: String) {
    #expect(SyscallTable.named(name)?.blocking == .never)
  }
}
