import KernelABI
import Syscalls
import Testing

/// Memory of an imaginary tracee.
private struct Memory {
  var pieces: [UInt64: [UInt8]] = [:]

  init(_ pieces: [UInt64: [UInt8]] = [:]) { self.pieces = pieces }

  /// As the printer wants it: what is known from an address on.
  func read(_ address: RemotePointer, _ count: Int) -> [UInt8]? {
    for (start, bytes) in pieces where address.rawValue >= start && address.rawValue < start + UInt64(bytes.count) {
      return Array(bytes[Int(address.rawValue - start)...].prefix(count))
    }
    return nil
  }
}

private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

private func little<T: FixedWidthInteger>(_ values: T...) -> [UInt8] {
  values.flatMap { value in withUnsafeBytes(of: value.littleEndian) { Array($0) } }
}

@Suite struct SyscallPrinterTests {
  private func line(
    _ name: String, _ arguments: [UInt64], _ result: Int64?, _ memory: Memory = Memory()
  ) throws -> String {
    let number = try #require(SyscallTable.named(name)?.number)
    let six = arguments + [UInt64](repeating: 0, count: 6 - arguments.count)
    let outcome: SyscallPrinter.Outcome = result.map { .result($0) } ?? .unfinished
    return SyscallPrinter().describe(number: number, arguments: six, outcome: outcome, memory: memory.read).line
  }

  private let minusHundred = UInt64(bitPattern: -100)

  @Test func files() throws {
    let path = Memory([0x1000: bytes("/etc/ld.so.cache\0")])
    #expect(
      try line("openat", [minusHundred, 0x1000, 0x80000], 3, path)
        == #"openat(AT_FDCWD, "/etc/ld.so.cache", O_RDONLY|O_CLOEXEC) = 3"#)
    #expect(
      try line("openat", [0xffff_ff9c, 0x1000, 0o1101, 0o644], -2, path)
        == #"openat(AT_FDCWD, "/etc/ld.so.cache", O_WRONLY|O_CREAT|O_TRUNC, 0644) = "#
        + "-1 ENOENT (No such file or directory)")
    #expect(try line("openat", [minusHundred, 0x5000, 0], 3) == "openat(AT_FDCWD, 0x5000, O_RDONLY) = 3")
    #expect(try line("close", [3], 0) == "close(3) = 0")
    #expect(try line("lseek", [3, UInt64(bitPattern: -5), 2], 7) == "lseek(3, -5, SEEK_END) = 7")
    #expect(try line("lseek", [3, 3 << 30, 0], 3 << 30) == "lseek(3, 3221225472, SEEK_SET) = 3221225472")
    #expect(try line("umask", [0o22], 0o77) == "umask(022) = 077")
    #expect(try line("access", [0x1000, 4], 0, path) == #"access("/etc/ld.so.cache", R_OK) = 0"#)
  }

  @Test func readingAndWriting() throws {
    let memory = Memory([0x2000: bytes("hello\n\u{1}7 \"quoted\" and more than thirty-two bytes")])
    #expect(try line("read", [0, 0x2000, 4096], 6, memory) == #"read(0, "hello\n", 4096) = 6"#)
    #expect(
      try line("read", [0, 0x2000, 4096], 40, memory)
        == #"read(0, "hello\n\0017 \"quoted\" and more than "..., 4096) = 40"#)
    #expect(try line("read", [0, 0x2000, 4096], 0, memory) == #"read(0, "", 4096) = 0"#)
    #expect(
      try line("read", [9, 0x2000, 4096], -9, memory) == "read(9, 0x2000, 4096) = -1 EBADF (Bad file descriptor)")
    #expect(try line("read", [0, 0x2000, 4096], nil, memory) == "read(0, 0x2000, 4096 <unfinished ...>")
    #expect(try line("write", [1, 0x2000, 6], 6) == "write(1, 0x2000, 6) = 6")
    #expect(
      try line("read", [0, 0x2000, 1], -512, memory)
        == "read(0, 0x2000, 1) = ? ERESTARTSYS (To be restarted if SA_RESTART is set)")
  }

  @Test func vectorsAndPipes() throws {
    let memory = Memory([
      0x1000: little(UInt64(0x2000), 4, 0x3000, 10), 0x2000: bytes("abcd"), 0x3000: bytes("efghijklmn"),
      0x4000: little(Int32(3), 4),
    ])
    #expect(
      try line("readv", [0, 0x1000, 2], 6, memory)
        == #"readv(0, [{iov_base="abcd", iov_len=4}, {iov_base="ef", iov_len=10}], 2) = 6"#)
    #expect(try line("pipe2", [0x4000, 0x80000], 0, memory) == "pipe2([3, 4], O_CLOEXEC) = 0")
  }

  @Test func memory() throws {
    #expect(
      try line("mmap", [0, 8192, 3, 0x22, 0xffff_ffff, 0], 0x7fff_f7fc_0000)
        == "mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7ffff7fc0000")
    #expect(try line("mprotect", [0x1000, 4096, 0], 0) == "mprotect(0x1000, 4096, PROT_NONE) = 0")
    #expect(try line("brk", [0], 0x5555_5557_9000) == "brk(NULL) = 0x555555579000")
    #expect(try line("madvise", [0x1000, 4096, 4], 0) == "madvise(0x1000, 4096, MADV_DONTNEED) = 0")
  }

  @Test func structures() throws {
    var stat = [UInt8](repeating: 0, count: 144)
    stat.replaceSubrange(24..<28, with: little(UInt32(0o100644)))
    stat.replaceSubrange(48..<56, with: little(Int64(1234)))
    let memory = Memory([0x1000: stat, 0x2000: little(Int64(5), Int64(250))])
    #expect(try line("fstat", [3, 0x1000], 0, memory) == "fstat(3, {st_mode=S_IFREG|0644, st_size=1234, ...}) = 0")
    #expect(
      try line("clock_gettime", [1, 0x2000], 0, memory)
        == "clock_gettime(CLOCK_MONOTONIC, {tv_sec=5, tv_nsec=250}) = 0")
    #expect(try line("clock_gettime", [1, 0x2000], -14, memory).hasSuffix("0x2000) = -1 EFAULT (Bad address)"))
    let limits = Memory([0x3000: little(UInt64(8192 * 1024), UInt64.max)])
    #expect(
      try line("prlimit64", [0, 3, 0, 0x3000], 0, limits)
        == "prlimit64(0, RLIMIT_STACK, NULL, {rlim_cur=8192*1024, rlim_max=RLIM64_INFINITY}) = 0")
  }

  @Test func signals() throws {
    let action = Memory([
      0x1000: little(UInt64(0x401000), 0x1400_0000, 0x402000, 0x2),
      0x2000: little(UInt64(0x1_0002)),
      0x3000: little(UInt64.max & ~(1 << 8)),
    ])
    #expect(
      try line("rt_sigaction", [2, 0x1000, 0, 8], 0, action)
        == "rt_sigaction(SIGINT, {sa_handler=0x401000, sa_mask=[INT], sa_flags=SA_RESTORER|SA_RESTART, "
        + "sa_restorer=0x402000}, NULL, 8) = 0")
    #expect(
      try line("rt_sigprocmask", [0, 0x2000, 0x3000, 8], 0, action)
        == "rt_sigprocmask(SIG_BLOCK, [INT CHLD], ~[KILL], 8) = 0")
    #expect(try line("kill", [42, 15], 0) == "kill(42, SIGTERM) = 0")
    #expect(try line("tgkill", [1, 1, 34], 0) == "tgkill(1, 1, SIGRT_2) = 0")
    let status = Memory([0x1000: little(UInt32(0x300)), 0x2000: little(UInt32(0x8b))])
    #expect(
      try line("wait4", [0xffff_ffff, 0x1000, 1, 0], 7, status)
        == "wait4(-1, [{WIFEXITED(s) && WEXITSTATUS(s) == 3}], WNOHANG, NULL) = 7")
    #expect(
      try line("wait4", [7, 0x2000, 0, 0], 7, status)
        == "wait4(7, [{WIFSIGNALED(s) && WTERMSIG(s) == SIGSEGV && WCOREDUMP(s)}], 0, NULL) = 7")
  }

  @Test func sockets() throws {
    let memory = Memory([
      0x1000: [2, 0, 0x1f, 0x90, 127, 0, 0, 1] + [UInt8](repeating: 0, count: 8), 0x2000: little(UInt32(16)),
      0x3000: [1, 0] + bytes("/run/x.sock\0"), 0x4000: [1, 0, 0] + bytes("name"),
      0x5000: [10, 0, 0, 80, 0, 0, 0, 0] + [UInt8](repeating: 0, count: 15) + [1, 0, 0, 0, 0],
    ])
    #expect(
      try line("socket", [2, 0x80801, 6], 3) == "socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC|SOCK_NONBLOCK, 6) = 3")
    #expect(
      try line("accept", [3, 0x1000, 0x2000], 4, memory)
        == #"accept(3, {sa_family=AF_INET, sin_port=htons(8080), sin_addr=inet_addr("127.0.0.1")}, [16]) = 4"#)
    #expect(
      try line("connect", [3, 0x3000, 14], 0, memory)
        == #"connect(3, {sa_family=AF_UNIX, sun_path="/run/x.sock"}, 14) = 0"#)
    #expect(
      try line("bind", [3, 0x4000, 7], 0, memory) == #"bind(3, {sa_family=AF_UNIX, sun_path=@"name"}, 7) = 0"#)
    #expect(
      try line("bind", [3, 0x5000, 28], 0, memory)
        == "bind(3, {sa_family=AF_INET6, sin6_port=htons(80), sin6_flowinfo=htonl(0), "
        + "inet_pton(AF_INET6, \"::1\", &sin6_addr), sin6_scope_id=0}, 28) = 0")
    let option = Memory([0x1000: little(Int32(0)), 0x2000: little(UInt32(4))])
    #expect(
      try line("getsockopt", [3, 1, 4, 0x1000, 0x2000], 0, option)
        == "getsockopt(3, SOL_SOCKET, SO_ERROR, [0], [4]) = 0")
  }

  @Test func waiting() throws {
    let memory = Memory([
      0x1000: little(Int32(3)) + little(UInt16(1), 1) + little(Int32(4)) + little(UInt16(4), 0),
      0x2000: little(UInt32(1)) + little(UInt64(7)),
      0x3000: [0x28] + [UInt8](repeating: 0, count: 7),
    ])
    #expect(
      try line("poll", [0x1000, 2, 0xffff_ffff], 1, memory)
        == "poll([{fd=3, events=POLLIN, revents=POLLIN}, {fd=4, events=POLLOUT}], 2, -1) = 1")
    #expect(
      try line("epoll_wait", [5, 0x2000, 10, 0xffff_ffff], 1, memory)
        == "epoll_wait(5, [{events=EPOLLIN, data={u32=7, u64=7}}], 10, -1) = 1")
    #expect(try line("select", [6, 0x3000, 0, 0, 0], 2, memory) == "select(6, [3 5], NULL, NULL, NULL) = 2")
    #expect(try line("futex", [0x1000, 0x80, 2, 0], 0) == "futex(0x1000, FUTEX_WAIT|FUTEX_PRIVATE_FLAG, 2, NULL) = 0")
    #expect(try line("futex", [0x1000, 0x81, 1], 1) == "futex(0x1000, FUTEX_WAKE|FUTEX_PRIVATE_FLAG, 1) = 1")
  }

  @Test func requests() throws {
    let memory = Memory([0x1000: little(UInt16(24), 80, 0, 0)])
    #expect(
      try line("ioctl", [1, 0x5413, 0x1000], 0, memory)
        == "ioctl(1, TIOCGWINSZ, {ws_row=24, ws_col=80, ws_xpixel=0, ws_ypixel=0}) = 0")
    #expect(
      try line("ioctl", [1, 0x5401, 0x1000], -25)
        == "ioctl(1, TCGETS, 0x1000) = -1 ENOTTY (Inappropriate ioctl for device)")
    #expect(try line("ioctl", [1, 0x5451], 0) == "ioctl(1, FIOCLEX) = 0")
    #expect(try line("fcntl", [3, 1], 1) == "fcntl(3, F_GETFD) = 0x1 (flags FD_CLOEXEC)")
    #expect(try line("fcntl", [3, 3], 0x8002) == "fcntl(3, F_GETFL) = 0x8002 (flags O_RDWR|O_LARGEFILE)")
    #expect(try line("fcntl", [3, 2, 1], 0) == "fcntl(3, F_SETFD, FD_CLOEXEC) = 0")
    #expect(try line("prctl", [15, 0x2000], 0) == "prctl(PR_SET_NAME, 0x2000) = 0")
  }

  @Test func processes() throws {
    #expect(
      try line("clone", [0x3d0f00, 0x1000, 0x2000, 0x3000, 0x4000], 9, Memory())
        == "clone(CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD|CLONE_SYSVSEM|CLONE_SETTLS|"
        + "CLONE_PARENT_SETTID|CLONE_CHILD_CLEARTID, 0x1000, 0x2000, 0x3000, 0x4000) = 9")
    #expect(
      try line("clone", [0x120_0011, 0, 0, 0x3000], 9, Memory([0x3000: little(Int32(5))]))
        == "clone(SIGCHLD|CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID, NULL, NULL, 0x3000, 0) = 9")
    #expect(try line("exit_group", [3], nil) == "exit_group(3 <unfinished ...>")
    #expect(try line("exit_group", [3], 0) == "exit_group(3) = ?")
    let memory = Memory([
      0x1000: little(UInt64(0x2000), 0x3000, 0), 0x2000: bytes("ls\0"), 0x3000: bytes("-l\0"),
      0x4000: bytes("/bin/ls\0"),
    ])
    #expect(
      try line("execve", [0x4000, 0x1000, 0x9000], 0, memory) == #"execve("/bin/ls", ["ls", "-l"], 0x9000) = 0"#)
  }

  @Test func unknownCalls() {
    let call = SyscallPrinter().describe(number: 999, arguments: [1, 0, 0, 0, 0, 0x10], outcome: .result(-38)) {
      _, _ in nil
    }
    #expect(call.line == "syscall_999(0x1, 0, 0, 0, 0, 0x10) = -1 ENOSYS (Function not implemented)")
    #expect(call.arguments.count == 6)
  }

  @Test func structuredForm() throws {
    let call = SyscallPrinter().describe(
      number: SyscallNumber.close, arguments: [3, 0, 0, 0, 0, 0], outcome: .result(0)
    ) { _, _ in nil }
    #expect(call.name == "close")
    #expect(call.arguments.map(\.name) == ["fd"])
    #expect(call.arguments.map(\.value) == [3])
    #expect(call.arguments.map(\.text) == ["3"])
    #expect(call.result == 0)
    #expect(call.resultText == "0")
  }

  /// No combination of arguments may stop the printer, whatever the memory holds.
  @Test func survivesNonsense() {
    var state: UInt64 = 88_172_645_463_325_252
    func random() -> UInt64 {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return state
    }
    for row in SyscallTable.all {
      for round in 0..<8 {
        let arguments = (0..<6).map { _ in
          switch (round + Int(random() % 5)) % 5 {
          case 0: UInt64(0)
          case 1: random() & 0xff
          case 2: UInt64.max - random() & 0xff
          case 3: random()
          default: UInt64(0x1000)
          }
        }
        let filler = UInt8(truncatingIfNeeded: random())
        let result = Int64(bitPattern: round % 2 == 0 ? random() & 0xffff : random())
        let call = SyscallPrinter().describe(number: row.number, arguments: arguments, outcome: .result(result)) {
          address, count in
          address.rawValue % 3 == 0 ? nil : [UInt8](repeating: filler, count: min(count, 5000))
        }
        #expect(call.line.hasPrefix(row.name + "("))
      }
    }
  }
}
