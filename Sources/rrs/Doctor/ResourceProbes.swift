import CLinuxShim
import Glibc
import KernelABI
import TraceFormat

/// What the machine has room for, and the programs that rrs works with.
enum ResourceProbes {
  static func traceDirectory() -> [MachineCheck] {
    let path = TraceDirectory().path
    // Before the first recording the directory isn't there: its nearest parent is on the same disk.
    var existing = path
    while !FileStatus.isDirectory(existing), existing.contains("/"), existing != "/" {
      existing = String(existing[..<(existing.lastIndex(of: "/") ?? existing.startIndex)])
      if existing.isEmpty { existing = "/" }
    }
    if let reason = reasonAgainstWriting(in: existing) {
      let check = MachineCheck(
        "trace directory", "\(path): \(reason)", .broken, "there is nowhere to write traces to",
        remedy: "set RRS_TRACE_DIR to a directory that you can write to")
      return [check]
    }
    return [space(at: existing, for: path), reflink(at: existing)]
  }

  /// Found out by making a directory there, as a recording does: permissions alone don't tell.
  private static func reasonAgainstWriting(in directory: String) -> String? {
    let probe = directory + "/.rrs-doctor-\(getpid())"
    guard mkdir(probe, 0o700) == 0 else { return FileStatus.errorText(errno) }
    rmdir(probe)
    return nil
  }

  private static func space(at directory: String, for path: String) -> MachineCheck {
    var information = statvfs()
    guard statvfs(directory, &information) == 0 else {
      return MachineCheck(
        "trace directory", "\(path): \(FileStatus.errorText(errno))", .limited, "free space is unknown")
    }
    let free = UInt64(information.f_bavail) * UInt64(information.f_frsize)
    let isMuch = free >= 1 << 30
    return MachineCheck(
      "trace directory", "\(path), \(TextFormat.byteCount(free))B free", isMuch ? .ok : .limited,
      isMuch ? "room for traces" : "a recording that fills the disk is cut short",
      remedy: isMuch ? nil : "free some space, or set RRS_TRACE_DIR to a directory on another disk")
  }

  /// FICLONE, ioctl_ficlonerange(2).
  private static let cloneRequest: UInt = 0x4004_9409

  private static func reflink(at directory: String) -> MachineCheck {
    let result = cloneInto(directory)
    if result == 0 {
      return MachineCheck("reflinks", "supported there", .ok, "mapped files come into a trace without a copy")
    }
    return MachineCheck(
      "reflinks", "not supported there (\(KernelProbes.errorText(result)))", .limited,
      "mapped files are hard-linked or copied into a trace",
      remedy: "none is needed; btrfs, XFS and bcachefs have reflinks")
  }

  private static func cloneInto(_ directory: String) -> Int {
    // O_TMPFILE: nothing is left behind, whatever happens.
    let flags = O_RDWR | O_CLOEXEC | 0o20200000
    let source = rrs_open(directory, flags, 0o600)
    guard source >= 0 else { return source }
    defer { _ = rrs_close(Int32(source)) }
    let target = rrs_open(directory, flags, 0o600)
    guard target >= 0 else { return target }
    defer { _ = rrs_close(Int32(target)) }
    let block = [UInt8](repeating: 1, count: 4096)
    _ = rrs_write(Int32(source), block, block.count)
    return KernelProbes.systemCall(SyscallNumber.ioctl, UInt(target), cloneRequest, UInt(source))
  }

  static func memory() -> MachineCheck {
    let lines = KernelProbes.text("/proc/meminfo")?.split(separator: "\n") ?? []
    let line = lines.first { $0.hasPrefix("MemAvailable:") }
    let kibibytes = line?.split(separator: " ").dropFirst().first.flatMap { UInt64($0) } ?? 0
    let isMuch = kibibytes >= 256 << 10
    return MachineCheck(
      "memory", "\(TextFormat.byteCount(kibibytes << 10))B available", isMuch ? .ok : .limited,
      isMuch ? "enough; rrs itself stays below 100 MiB" : "rrs itself takes up to 100 MiB",
      remedy: isMuch ? nil : "end some programs")
  }

  static func limits() -> MachineCheck {
    var files = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &files)
    let isMuch = files.rlim_cur >= 1024
    return MachineCheck(
      "open files", "\(files.rlim_cur) allowed", isMuch ? .ok : .limited,
      isMuch ? "enough" : "recording many processes at once may fail",
      remedy: isMuch ? nil : "ulimit -n 1024")
  }

  static func debugger() -> MachineCheck {
    if let line = firstLine(of: ["gdb", "--version"]) {
      return MachineCheck("gdb", line, .ok, "this version replays without a debugger, and doesn't use it yet")
    }
    return MachineCheck(
      "gdb", "not found", .limited, "this version replays without a debugger, and doesn't use it yet",
      remedy: "apt-get install gdb")
  }

  /// What a program prints first, nil where it can't be run.
  private static func firstLine(of command: [String]) -> String? {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { return nil }
    defer { close(ends[0]) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)
    posix_spawn_file_actions_addclose(&actions, ends[0])
    posix_spawn_file_actions_addclose(&actions, ends[1])
    var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) }
    arguments.append(nil)
    defer { for argument in arguments { free(argument) } }
    var pid: pid_t = 0
    let failure = posix_spawnp(&pid, command[0], &actions, nil, arguments, environ)
    close(ends[1])
    guard failure == 0 else { return nil }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = read(ends[0], &piece, piece.count)
      if count <= 0 { break }
      bytes.append(contentsOf: piece[..<count])
    }
    var status: Int32 = 0
    _ = rrs_wait(pid, &status, 0)
    guard status == 0 else { return nil }
    return String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
  }
}
