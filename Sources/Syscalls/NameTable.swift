/// The sets of names in which `dump` shows flags and enumerations (strace calls them xlats).
package enum NameTable: String, Sendable, CaseIterable {
  case accessFlags, accessMode, archPrctlOption, atFlags, bpfCommand, clockID, cloneFlags, closeRangeFlags
  case compareType, epollEvents, epollOperation, errno, eventDescriptorFlags, fallocateMode, fanotifyInitFlags
  case fanotifyMarkFlags, fanotifyMask, fcntlCommand, fileAdvice, fileMode, fsconfigCommand, futex2Flags
  case futexOperation, getMemoryPolicyFlags, inotifyMask, intervalTimer, ioPriorityWhich, ipcCommand, ipcGetFlags
  case keyCommand, leaseType, lockOperation, lockType, membarrierCommand, memfdFlags, memoryAdvice, memoryPolicy
  case memoryPolicyFlags, messageFlags, messageQueueFlags, mlockFlags, mlockallFlags, mmapFlags, mmapProtection
  case mountAttributes, mountFlags, mremapFlags, msyncFlags, openFlags, openTreeFlags, pidfdFlags, pollEvents
  case prctlOption, priorityWhich, ptraceRequest, randomFlags, readWriteFlags, renameFlags, resourceLimit
  case resourceUsageWho, schedulerPolicy, sealFlags, seccompOperation, sharedMemoryFlags, signal, signalActionFlags
  case signalMaskHow, socketDomain, socketLevel, socketOption, socketShutdown, socketType, spliceFlags, statxMask
  case syncRangeFlags, syslogAction, tcpOption, ipOption, ipv6Option, timerDescriptorFlags, timerFlags, unlinkFlags
  case unmountFlags, waitIdentifierType, waitOptions, whence, xattrFlags, descriptorFlags
}
