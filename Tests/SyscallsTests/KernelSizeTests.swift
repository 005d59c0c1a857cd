import Foundation
import Syscalls
import Testing

/// The sizes in `KernelSize` against those that a C compiler gives for the kernel's own headers.
@Suite struct KernelSizeTests {
  static let expected: [(type: String, size: Int)] = [
    ("int", KernelSize.int), ("long", KernelSize.long),
    ("struct stat", KernelSize.stat), ("struct statfs", KernelSize.statfs), ("struct statx", KernelSize.statx),
    ("struct rrs_ustat", KernelSize.ustat), ("struct open_how", KernelSize.openHow),
    ("struct iovec", KernelSize.ioVector), ("struct rrs_utimbuf", KernelSize.utimbuf),
    ("struct mount_attr", KernelSize.mountAttributes), ("struct flock", KernelSize.fileLock),
    ("struct f_owner_ex", KernelSize.fileOwner), ("struct __kernel_timespec", KernelSize.timespec),
    ("struct __kernel_sock_timeval", KernelSize.timeval), ("struct rrs_timezone", KernelSize.timezone),
    ("struct __kernel_itimerspec", KernelSize.itimerspec), ("struct rrs_itimerval", KernelSize.itimerval),
    ("struct __kernel_timex", KernelSize.timex), ("struct tms", KernelSize.tms), ("sigset_t", KernelSize.signalSet),
    ("struct sigaction", KernelSize.signalAction), ("siginfo_t", KernelSize.signalInfo),
    ("stack_t", KernelSize.signalStack), ("struct sigevent", KernelSize.signalEvent),
    ("struct rusage", KernelSize.resourceUsage), ("struct rlimit64", KernelSize.resourceLimit),
    ("struct new_utsname", KernelSize.utsname), ("struct sysinfo", KernelSize.sysinfo),
    ("struct clone_args", KernelSize.cloneArguments), ("struct sched_attr", KernelSize.schedulerAttributes),
    ("struct robust_list_head", KernelSize.robustListHead), ("struct futex_waitv", KernelSize.futexWaiter),
    ("struct user_desc", KernelSize.segmentDescriptor),
    ("struct __user_cap_header_struct", KernelSize.capabilityHeader),
    ("struct __user_cap_data_struct[2]", KernelSize.capabilityData), ("struct pollfd", KernelSize.pollDescriptor),
    ("struct epoll_event", KernelSize.epollEvent), ("struct io_event", KernelSize.ioEvent),
    ("struct rrs_msghdr", KernelSize.messageHeader), ("struct rrs_mmsghdr", KernelSize.multipleMessageHeader),
    ("struct shmid64_ds", KernelSize.sharedMemoryStatus), ("struct shminfo64", KernelSize.sharedMemoryLimits),
    ("struct shm_info", KernelSize.sharedMemoryUse), ("struct semid64_ds", KernelSize.semaphoreStatus),
    ("struct seminfo", KernelSize.semaphoreLimits), ("struct sembuf", KernelSize.semaphoreOperation),
    ("struct msqid64_ds", KernelSize.messageQueueStatus), ("struct msginfo", KernelSize.messageQueueLimits),
    ("struct mq_attr", KernelSize.queueAttributes), ("struct if_dqblk", KernelSize.quotaBlock),
    ("struct if_nextdqblk", KernelSize.nextQuotaBlock), ("struct if_dqinfo", KernelSize.quotaInfo),
    ("struct termios", KernelSize.terminal), ("struct termios2", KernelSize.terminal2),
    ("struct rrs_file_handle", KernelSize.fileHandleHeader), ("struct rrs_cachestat", KernelSize.cachestat),
    ("struct rrs_cachestat_range", KernelSize.cachestatRange), ("struct rrs_mnt_id_req", KernelSize.mountIDRequest),
    ("struct rrs_xattr_args", KernelSize.xattrArguments),
    ("struct rrs_sched_param", KernelSize.schedulerParameters),
    ("struct rrs_termio", KernelSize.oldTerminal), ("struct rrs_winsize", KernelSize.windowSize),
  ]

  /// The kernel's headers, and structures that they don't hold, or not in every version, spelt out as the kernel has
  /// them.
  static let prologue = """
    #include <stdio.h>
    #include <asm/stat.h>
    #include <asm/statfs.h>
    #include <linux/stat.h>
    #include <asm/termbits.h>
    #include <linux/types.h>
    #include <linux/time_types.h>
    #include <linux/resource.h>
    #include <linux/utsname.h>
    #include <linux/sysinfo.h>
    #include <linux/times.h>
    #include <linux/timex.h>
    #include <asm/signal.h>
    #include <asm/siginfo.h>
    #include <linux/sched/types.h>
    #include <linux/sched.h>
    #include <linux/mqueue.h>
    #include <linux/openat2.h>
    #include <linux/aio_abi.h>
    #include <linux/capability.h>
    #include <linux/quota.h>
    #include <linux/mount.h>
    #include <linux/futex.h>
    #include <linux/uio.h>
    #include <linux/eventpoll.h>
    #include <asm/poll.h>
    #include <asm/ldt.h>
    #include <asm/fcntl.h>
    #include <linux/shm.h>
    #include <linux/sem.h>
    #include <linux/msg.h>
    struct rrs_ustat { __u32 f_tfree; __u64 f_tinode; char f_fname[6], f_fpack[6]; };
    struct rrs_utimbuf { long actime, modtime; };
    struct rrs_timezone { int minuteswest, dsttime; };
    struct rrs_itimerval { long values[4]; };
    struct rrs_msghdr {
      void *name; int namelen; void *iov; unsigned long iovlen; void *control; unsigned long controllen; unsigned flags;
    };
    struct rrs_mmsghdr { struct rrs_msghdr header; unsigned length; };
    struct rrs_file_handle { __u32 handle_bytes; __s32 handle_type; };
    struct rrs_cachestat { __u64 values[5]; };
    struct rrs_cachestat_range { __u64 offset, length; };
    struct rrs_mnt_id_req { __u32 size, spare; __u64 mnt_id, param; };
    struct rrs_xattr_args { __u64 value; __u32 size, flags; };
    struct rrs_sched_param { int priority; };
    struct rrs_termio { unsigned short flags[4]; unsigned char line, control[8]; };
    struct rrs_winsize { unsigned short values[4]; };
    """

  @Test func sizesAreTheKernels() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("rrs-sizes-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let source = folder.appendingPathComponent("sizes.c")
    let program = folder.appendingPathComponent("sizes")
    let lines = Self.expected.map { "  printf(\"%zu\\n\", sizeof(\($0.type)));" }
    let text = Self.prologue + "\nint main(void) {\n" + lines.joined(separator: "\n") + "\n  return 0;\n}\n"
    try text.write(to: source, atomically: true, encoding: .utf8)
    try #require(run("/usr/bin/env", ["gcc", "-w", source.path, "-o", program.path]).status == 0)
    let output = try run(program.path, []).output
    let sizes = output.split(separator: "\n").map { Int($0) }
    try #require(sizes.count == Self.expected.count)
    for (expected, size) in zip(Self.expected, sizes) {
      #expect(size == expected.size, "sizeof(\(expected.type))")
    }
  }

  private func run(_ program: String, _ arguments: [String]) throws -> (status: Int32, output: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: data, as: UTF8.self))
  }
}
