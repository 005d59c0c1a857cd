import CLinuxShim
import Debugging
import Glibc
import KernelABI
import TraceFormat

/// A process that replays a recording while it is being made, on another processor, and saves checkpoints: the recorded
/// program isn't held up by them.
///
/// The two are connected by a pair of sockets. The recorder says `complete` with one byte; where it is killed, the
/// follower sees the end of its socket, and ends.
struct CheckpointFollower {
  private let link: Int32

  /// The descriptor that the follower finds its end of the link at.
  static let descriptor: Int32 = 3

  /// Starts one for a trace whose header is in place. It is no child of this process, which waits for its tracees
  /// alone.
  init(trace: String, interval: Double) throws {
    var ends: [Int32] = [-1, -1]
    guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
      throw Self.failure(errno)
    }
    defer { close(ends[1]) }
    link = ends[0]
    let words = ["rrs", "create-checkpoints", "--follow", "--interval", "\(interval)", trace]
    var argv: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
    defer { for word in argv { free(word) } }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    // The program's own input and output are not for it.
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, ends[1], Self.descriptor)
    var child: pid_t = 0
    let result = posix_spawn(&child, "/proc/self/exe", &actions, nil, &argv, environ)
    guard result == 0 else {
      close(link)
      throw Self.failure(result)
    }
    // It goes on in a child of its own.
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0, errno == EINTR {}
  }

  private static func failure(_ number: Int32) -> CommandFailure {
    CommandFailure(
      message: "cannot start the process that makes checkpoints: \(FileStatus.errorText(number))", status: EX_OSERR)
  }

  /// The recording is whole: waits until the follower has made its last checkpoint.
  func finish() {
    var byte: UInt8 = 1
    _ = send(link, &byte, 1, Int32(MSG_NOSIGNAL))
    let start = rrs_monotonic_nanoseconds()
    let patience: UInt64 = 2_000_000_000
    var isTold = false
    while rrs_poll_readable(link, -1, 500) == 0 {
      if !isTold, rrs_monotonic_nanoseconds() - start > patience {
        warn("the program has ended; its checkpoints are still being made (^C: enough of them)")
        isTold = true
      }
    }
    close(link)
  }

  // MARK: - In the follower

  /// Goes on in a child, apart from the recorder's terminal and process group.
  static func detach() throws {
    let child = rrs_syscall(SyscallNumber.fork, 0, 0, 0, 0, 0, 0)
    guard child >= 0 else { throw failure(Int32(-child)) }
    if child > 0 { _exit(0) }
    setsid()
    leaveProcessor()
  }

  /// Goes to the other processors, if there are any: what was inherited is the one that the recorder and its tracees
  /// are bound to, where they hardly ever let another process run.
  private static func leaveProcessor() {
    func call(_ number: Int, _ mask: inout [UInt64]) -> Bool {
      mask.withUnsafeMutableBytes {
        rrs_syscall(number, 0, UInt($0.count), UInt(bitPattern: $0.baseAddress), 0, 0, 0) >= 0
      }
    }
    var own = [UInt64](repeating: 0, count: 128)
    var all = [UInt64](repeating: .max, count: own.count)
    // The kernel leaves out what this process isn't allowed to use (sched_setaffinity(2)).
    guard call(SyscallNumber.sched_getaffinity, &own), call(SyscallNumber.sched_setaffinity, &all),
      call(SyscallNumber.sched_getaffinity, &all)
    else { return }
    var others = zip(all, own).map { $0 & ~$1 }
    if others.contains(where: { $0 != 0 }) { _ = call(SyscallNumber.sched_setaffinity, &others) }
  }

  /// What the recorder has said. `waits`: gives it some time to say something.
  static func growth(waits: Bool) -> CheckpointCreation.Growth {
    let pause: Int32 = 200
    guard rrs_poll_readable(descriptor, -1, waits ? pause : 0) > 0 else { return .growing }
    var byte: UInt8 = 0
    // It stays readable: later calls are told the same.
    return recv(descriptor, &byte, 1, Int32(MSG_PEEK)) == 1 ? .complete : .abandoned
  }
}
