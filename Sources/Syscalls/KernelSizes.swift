/// Sizes in bytes of the structures that system calls exchange, as the x86-64 kernel has them. Each names the C type
/// that it mirrors; a test compiles a program that prints `sizeof` of each and compares.
///
/// The C library's own types sometimes differ (its `sigset_t` has 128 bytes, the kernel's 8): these are the kernel's.
package enum KernelSize {
  /// `int`, `unsigned int`, `pid_t`, `uid_t`, `socklen_t`
  package static let int = 4
  /// `long`, `size_t`, `loff_t`, `time_t`, any pointer
  package static let long = 8

  /// `struct stat` (asm/stat.h)
  package static let stat = 144
  /// `struct statfs` (asm/statfs.h)
  package static let statfs = 120
  /// `struct statx` (linux/stat.h)
  package static let statx = 256
  /// `struct ustat` (ustat(2))
  package static let ustat = 32
  /// `struct open_how` (linux/openat2.h)
  package static let openHow = 24
  /// `struct iovec` (linux/uio.h)
  package static let ioVector = 16
  /// `struct utimbuf` (linux/utime.h)
  package static let utimbuf = 16
  /// `struct file_handle` without its handle (open_by_handle_at(2))
  package static let fileHandleHeader = 8
  /// `struct cachestat` (linux/mman.h, Linux 6.5)
  package static let cachestat = 40
  /// `struct cachestat_range` (linux/mman.h, Linux 6.5)
  package static let cachestatRange = 16
  /// `struct mount_attr` (linux/mount.h)
  package static let mountAttributes = 32
  /// `struct mnt_id_req` (linux/mount.h, Linux 6.8; MNT_ID_REQ_SIZE_VER0 is 24, VER1 is 32)
  package static let mountIDRequest = 24
  /// `struct xattr_args` (linux/xattr.h, Linux 6.13)
  package static let xattrArguments = 16
  /// `struct flock` (asm/fcntl.h)
  package static let fileLock = 32
  /// `struct f_owner_ex` (asm-generic/fcntl.h)
  package static let fileOwner = 8

  /// `struct timespec`
  package static let timespec = 16
  /// `struct timeval`
  package static let timeval = 16
  /// `struct timezone`
  package static let timezone = 8
  /// `struct itimerval`
  package static let itimerval = 32
  /// `struct itimerspec`
  package static let itimerspec = 32
  /// `struct __kernel_timex` (linux/timex.h)
  package static let timex = 208
  /// `struct tms` (linux/times.h)
  package static let tms = 32

  /// `sigset_t` (asm/signal.h)
  package static let signalSet = 8
  /// `struct sigaction` (asm/signal.h)
  package static let signalAction = 32
  /// `siginfo_t` (asm/siginfo.h)
  package static let signalInfo = 128
  /// `stack_t` (asm/signal.h)
  package static let signalStack = 24
  /// `struct sigevent` (asm/siginfo.h)
  package static let signalEvent = 64

  /// `struct rusage` (linux/resource.h)
  package static let resourceUsage = 144
  /// `struct rlimit64` (linux/resource.h)
  package static let resourceLimit = 16
  /// `struct new_utsname` (linux/utsname.h)
  package static let utsname = 390
  /// `struct sysinfo` (linux/sysinfo.h)
  package static let sysinfo = 112
  /// `struct clone_args` (linux/sched.h)
  package static let cloneArguments = 88
  /// `struct sched_param`
  package static let schedulerParameters = 4
  /// `struct sched_attr` (linux/sched/types.h)
  package static let schedulerAttributes = 56
  /// `struct robust_list_head` (linux/futex.h)
  package static let robustListHead = 24
  /// `struct futex_waitv` (linux/futex.h)
  package static let futexWaiter = 24
  /// `struct user_desc` (asm/ldt.h)
  package static let segmentDescriptor = 16
  /// `struct __user_cap_header_struct` (linux/capability.h)
  package static let capabilityHeader = 8
  /// Two `struct __user_cap_data_struct` (linux/capability.h), as versions 2 and 3 have them
  package static let capabilityData = 24

  /// `struct pollfd` (asm-generic/poll.h)
  package static let pollDescriptor = 8
  /// `struct epoll_event` (linux/eventpoll.h), packed
  package static let epollEvent = 12
  /// `struct io_event` (linux/aio_abi.h)
  package static let ioEvent = 32
  /// `struct msghdr` (user_msghdr of linux/socket.h)
  package static let messageHeader = 56
  /// `struct mmsghdr`
  package static let multipleMessageHeader = 64

  /// `struct shmid64_ds` (asm-generic/shmbuf.h)
  package static let sharedMemoryStatus = 112
  /// `struct shminfo64` (asm-generic/shmbuf.h)
  package static let sharedMemoryLimits = 72
  /// `struct shm_info` (linux/shm.h)
  package static let sharedMemoryUse = 48
  /// `struct semid64_ds` (asm/sembuf.h)
  package static let semaphoreStatus = 104
  /// `struct seminfo` (linux/sem.h)
  package static let semaphoreLimits = 40
  /// `struct sembuf` (linux/sem.h)
  package static let semaphoreOperation = 6
  /// `struct msqid64_ds` (asm-generic/msgbuf.h)
  package static let messageQueueStatus = 120
  /// `struct msginfo` (linux/msg.h)
  package static let messageQueueLimits = 32
  /// `struct mq_attr` (linux/mqueue.h)
  package static let queueAttributes = 64

  /// `struct if_dqblk` (linux/quota.h)
  package static let quotaBlock = 72
  /// `struct if_nextdqblk` (linux/quota.h)
  package static let nextQuotaBlock = 72
  /// `struct if_dqinfo` (linux/quota.h)
  package static let quotaInfo = 24

  /// `struct termios` (asm/termbits.h)
  package static let terminal = 36
  /// `struct termios2` (asm/termbits.h)
  package static let terminal2 = 44
  /// `struct termio` (asm/termios.h)
  package static let oldTerminal = 18
  /// `struct winsize` (asm/termios.h)
  package static let windowSize = 8
}
