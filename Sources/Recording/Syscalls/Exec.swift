import Execution
import KernelABI
import Syscalls
import TraceFormat
import TraceeControl

// execve and execveat: a new process image.
extension RecordSession {
  func startExec(_ tracee: RecordTracee, _ descriptor: SyscallDescriptor, _ registers: Registers) throws {
    if let program = program32Bit(tracee, registers) {
      let errno: Int32 = 8
      try noteUnsupported(tracee, "'\(program)' is a 32-bit program, which can't be recorded", errno: errno)
      return try skip(tracee, registers, errno: errno)
    }
    let event = try makeEvent(
      tracee, .syscall(SyscallEvent(number: descriptor.number, phase: .entry)), registers)
    try append(event, of: nil)
    tracee.call = PendingCall(descriptor: descriptor, entry: registers)
    tracee.state = .inSyscall
    try engine.resume(tracee.tracee, .systemCall)
    try waitForExec(tracee)
  }

  /// The 32-bit program that this execve(2) or execveat(2) would start. It is looked for before the call: once the
  /// image is in place there is no way back.
  private func program32Bit(_ tracee: RecordTracee, _ registers: Registers) -> String? {
    let isAt = registers.syscallNumber == SyscallNumber.execveat
    let path = tracee.tracee.readText(RemotePointer(registers.argument(isAt ? 1 : 0))) ?? ""
    let descriptor = Int32(truncatingIfNeeded: registers.argument(0))
    let process = "/proc/\(tracee.tid)"
    if path.isEmpty { return isAt ? Self.program32Bit("\(process)/fd/\(descriptor)", in: process) : nil }
    let isBesideDescriptor = isAt && descriptor >= 0 && !path.hasPrefix("/")
    return Self.program32Bit(isBesideDescriptor ? "\(process)/fd/\(descriptor)/\(path)" : path, in: process)
  }

  /// Looks at the file and, where it is a script, at its interpreter (execve(2), "Interpreter scripts").
  private static func program32Bit(_ path: String, in process: String, depth: Int = 0) -> String? {
    let full = path.hasPrefix("/proc/") ? path : process + (path.hasPrefix("/") ? "/root" : "/cwd/") + path
    guard depth < 5, FileStatus(path: full)?.isRegular == true else { return nil }
    let start = ProcFS.readStart(full, count: 256)
    if start.starts(with: Array("#!".utf8)) {
      let line = start.dropFirst(2).prefix { $0 != UInt8(ascii: "\n") }
      guard let name = line.split(whereSeparator: { $0 == 0x20 || $0 == 0x09 }).first else { return nil }
      return program32Bit(String(decoding: name, as: UTF8.self), in: process, depth: depth + 1)
    }
    // elf(5): the magic number, ELFCLASS32, and EM_386 in e_machine.
    let isELF32 = start.count >= 20 && start.starts(with: [0x7f, 0x45, 0x4c, 0x46, 1])
    return isELF32 && start[18] == 3 && start[19] == 0 ? path : nil
  }

  /// Until the call has succeeded or failed nothing else runs, except the ends of the other threads of the group:
  /// the kernel waits for those before it replaces the image.
  private func waitForExec(_ tracee: RecordTracee) throws {
    while tracees[tracee.tid] === tracee, tracee.state == .inSyscall {
      if !tracee.pending.isEmpty { return try handleNext(tracee) }
      if let leader = tracees[tracee.group.id], case .event(.exec, _)? = leader.pending.first {
        return try handleNext(leader)
      }
      let sibling = tracee.group.tracees.compactMap({ tracees[$0] }).first { $0 !== tracee && !$0.pending.isEmpty }
      if let sibling {
        try guarded(sibling) { try handleNext(sibling) }
      } else {
        _ = try takeStatus(options: 0)
      }
    }
  }

  /// PTRACE_EVENT_EXEC. Where a thread other than the leader made the call, it has the leader's tid from now on, and
  /// the leader is gone without a word (ptrace(2), "execve(2) under ptrace").
  func handleExeced(_ reported: RecordTracee, formerTid: Tid) throws {
    var tracee = reported
    if formerTid != reported.tid, let caller = tracees[formerTid] {
      let group = caller.group
      let leaderTracee = Tracee(
        tid: reported.tid, recordedTid: reported.tracee.recordedTid, addressSpace: caller.addressSpace,
        threadGroup: group)
      caller.addressSpace.tracees -= 1
      let call = caller.call
      let pending = reported.pending
      remove(caller)
      remove(reported)
      group.tracees = [reported.tid]
      tracee = RecordTracee(leaderTracee)
      tracee.call = call
      tracee.pending = pending
      add(tracee)
    }
    tracee.state = .running
    try engine.resume(tracee.tracee, .systemCall)
    try waitFor(tracee)
    guard case .syscallStop? = tracee.pending.first else { return try handleNext(tracee) }
    tracee.pending.removeFirst()
    try startImage(tracee, formerTid: formerTid)
  }

  /// Preconditions: the tracee is in the exit-stop of a successful execve.
  func startImage(_ tracee: RecordTracee, formerTid: Tid) throws {
    let old = tracee.addressSpace
    old.tracees -= 1
    tracee.tracee.addressSpace = AddressSpace()
    tracee.addressSpace.tracees = 1
    tracee.call = nil
    tracee.interruptedCall = nil
    tracee.clearTidAddress = .null
    tracee.robustList = .null
    guard try tracee.tracee.registers().isIn64BitCode else {
      let name = ProcFS.readLink("/proc/\(tracee.tid)/exe") ?? "?"
      let text = "'\(name)' is a 32-bit program, which can't be recorded: record a 64-bit one"
      throw eventCount == 0 ? RecordError.unavailable(text) : RecordError.internalError(text)
    }
    var mappings = ProcessMaps.read(tracee.tid)
    try hideKernelCode(tracee.tracee, &mappings)
    tracee.addressSpace.programBreak = ProcFS.startOfBreak(tracee.tid) ?? .null
    let registers = try tracee.tracee.registers()
    var event = try makeEvent(tracee, .imageStart, registers)
    event.extendedState = try Ptrace.extendedState(tracee.tid)
    try recordImage(&event, tracee, mappings, formerTid: formerTid)
    tracee.state = .ready
    try append(event, of: tracee)
    try engine.didStartImage(tracee.tracee)
  }

  /// Without the vDSO every clock is read by a system call: AT_SYSINFO_EHDR is made AT_IGNORE (getauxval(3)), and its
  /// pages are unmapped, so that no one who finds them in /proc/self/maps reads what a replay won't have. Maps the
  /// gadget for that.
  private func hideKernelCode(_ tracee: Tracee, _ mappings: inout [ProcessMapping]) throws {
    let registers = try tracee.registers()
    if let entry = AuxiliaryVector.locate(AuxiliaryVector.sysinfoHeader, tracee, stack: registers.stackPointer) {
      tracee.write(entry, value: AuxiliaryVector.ignore)
    }
    func isKernels(_ mapping: ProcessMapping) -> Bool { mapping.name == "[vdso]" || mapping.name.hasPrefix("[vvar") }
    let pages = mappings.filter(isKernels)
    // They lie side by side (arch/x86/entry/vdso/vma.c).
    var calls = RemoteCalls()
    if let start = pages.first?.range.start, let end = pages.last?.range.end {
      calls.add("unmap the vDSO", SyscallNumber.munmap, .value(start.rawValue), .value(end - start))
    }
    try tracee.mapGadget(then: calls)
    mappings.removeAll(where: isKernels)
  }

  private func recordImage(
    _ event: inout TraceEvent, _ tracee: RecordTracee, _ mappings: [ProcessMapping], formerTid: Tid
  ) throws {
    let number = writer.nextEventNumber
    var executableBase = RemotePointer.null
    let executable = ProcFS.readLink("/proc/\(tracee.tid)/exe") ?? ""
    var interpreter = (base: RemotePointer.null, name: "")
    for mapping in mappings where !OwnMemory.owns(mapping.range) && mapping.name != "[vsyscall]" {
      if mapping.name == executable, executableBase.isNull { executableBase = mapping.range.start }
      if mapping.name.hasPrefix("/"), mapping.name != executable, interpreter.base.isNull {
        interpreter = (mapping.range.start, mapping.name)
      }
      try recordImageMapping(&event, tracee, mapping, number: number)
    }
    let stack = try tracee.tracee.registers().stackPointer
    let argumentCount = Int(tracee.tracee.read(stack, as: UInt64.self) ?? 0)
    writer.append(
      TraceeRecord(
        event: number, tid: tracee.tracee.recordedTid,
        kind: .exec(
          fileName: executable, commandLine: tracee.tracee.readStringArray(stack + 8, limit: argumentCount),
          environment: tracee.tracee.readStringArray(stack + (16 + argumentCount * 8)), executableBase: executableBase,
          interpreterBase: interpreter.base, interpreterName: interpreter.name, previousTid: formerTid)))
  }

  private func recordImageMapping(
    _ event: inout TraceEvent, _ tracee: RecordTracee, _ mapping: ProcessMapping, number: UInt64
  ) throws {
    var record = MappingRecord(
      event: number, tid: tracee.tracee.recordedTid, range: mapping.range, protection: mapping.protection,
      flags: MapFlag.private, name: mapping.name, source: .zero)
    if mapping.name.hasPrefix("/") {
      record.fileOffset = mapping.fileOffset
      try describeFile(&record, tracee, mapping: mapping)
      // The kernel clears the rest of the last page behind the file's data (binfmt_elf.c, padzero).
      if mapping.isWritable {
        appendMemory(&event, tracee.tracee, mapping.range.end - pageSize, Int(pageSize))
      }
    } else {
      record.flags |= MapFlag.anonymous
      if mapping.name == "[stack]" {
        record.flags |= MapFlag.growsDown
        record.fileSize = ResourceLimits.stack(tracee.tid)
        let low = try tracee.tracee.registers().stackPointer.pageStart
        appendMemory(&event, tracee.tracee, low, Int(mapping.range.end - low))
      }
    }
    writer.append(record)
  }
}
