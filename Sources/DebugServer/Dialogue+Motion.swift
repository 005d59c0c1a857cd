import Debugging
import KernelABI
import RemoteProtocol

extension Dialogue {
  func respondAboutMotion(_ request: Request, isInterrupted: () -> Bool) throws(DebugError) -> Reply? {
    switch request {
    case .insertBreakpoint(let place): return try insert(place)
    case .removeBreakpoint(let place):
      // One that a process has inherited, or that was of a process that is gone, isn't the target's business.
      if let breakpoint = breakpoint(place), breakpoints.remove(breakpoint) != nil { try target.remove(breakpoint) }
      return .ok
    case .passSignals(let signals):
      target.setPassedSignals(Set(signals.compactMap { GDBSignal.linuxNumber(of: $0) }))
      return .ok
    case .resumeActions: return .text("vCont;c;C;s;S")
    case .resume(let actions): return try resume(actions, isInterrupted)
    case .reverseContinue: return try move(ResumeRequest(.backward), isInterrupted)
    case .reverseStep:
      return try move(ResumeRequest(.backward, stepping: steppedThread ?? currentThread), isInterrupted)
    case .run(_, let arguments):
      forgetBreakpoints()
      let reply = run(String(decoding: arguments.first ?? [], as: UTF8.self), isInterrupted)
      hasJustMoved = true
      return reply
    default: return .unsupported
    }
  }

  // MARK: Breakpoints

  private func insert(_ place: BreakpointRequest) throws(DebugError) -> Reply {
    guard var breakpoint = breakpoint(place) else {
      throw DebugError("that many bytes can't be watched", number: 22)
    }
    breakpoint.conditions = place.conditions.map { AgentCondition($0, registerFile) }
    // gdb inserts one again to change its conditions.
    if breakpoints.remove(breakpoint) != nil { try target.remove(breakpoint) }
    try target.insert(breakpoint)
    breakpoints.insert(breakpoint)
    return .ok
  }

  private func breakpoint(_ place: BreakpointRequest) -> Breakpoint? {
    guard let kind = Breakpoint.Kind(rawValue: place.kind), let count = Int(exactly: place.byteCount) else {
      return nil
    }
    return Breakpoint(kind: kind, process: currentThread.process, address: place.address, byteCount: count)
  }

  // MARK: Resuming

  private func resume(_ actions: [ResumeAction], _ isInterrupted: () -> Bool) throws(DebugError) -> Reply {
    if let place = pendingPlace {
      pendingPlace = nil
      return try go(to: place, isInterrupted)
    }
    guard let step = actions.first(where: \.steps) else {
      if hasJustMoved {
        hasJustMoved = false
        return whereItStands()
      }
      return try move(ResumeRequest(.forward), isInterrupted)
    }
    let stepped = try step.thread.map { (selector) throws(DebugError) in try thread(selector) }
    return try move(ResumeRequest(.forward, stepping: stepped ?? steppedThread ?? currentThread), isInterrupted)
  }

  /// Runs until something happens that the debugger is to see.
  private func move(_ request: ResumeRequest, _ isInterrupted: () -> Bool) throws(DebugError) -> Reply {
    hasJustMoved = false
    // What the debugger looks at ends here, with or without others that go on.
    if request.direction == .forward, case .processExit = target.currentStop.reason,
      processes == [target.currentStop.thread.process]
    {
      return report(target.currentStop, .forward)
    }
    var request = request
    request.processes = processes
    var stop: DebugStop
    repeat {
      stop = try target.resume(request, isInterrupted: isInterrupted)
    } while !isShown(stop, request.direction)
    return report(stop, request.direction)
  }

  /// To an error gdb would answer that the program can't be started, and take it for gone: it stays where it is.
  private func run(_ argument: String, _ isInterrupted: () -> Bool) -> Reply {
    do throws(DebugError) {
      guard let place = DebugPlace(argument: argument) else { throw DebugError("'\(argument)' is no place to go to") }
      return try go(to: place, isInterrupted)
    } catch {
      notices.append(error.text)
      return whereItStands()
    }
  }

  private func go(to place: DebugPlace, _ isInterrupted: () -> Bool) throws(DebugError) -> Reply {
    let stop = try target.go(to: place, isInterrupted: isInterrupted)
    processes = [stop.thread.process]
    savedRegisters = [:]
    return report(stop, .forward)
  }

  /// What happens in processes that the debugger doesn't debug isn't shown, nor, backward, what is an event to it only
  /// in the order in which it happened.
  private func isShown(_ stop: DebugStop, _ direction: ResumeRequest.Direction) -> Bool {
    switch stop.reason {
    case .interrupted, .historyBegin, .historyEnd: true
    case .fork: isEvent("fork-events+", stop, direction)
    case .processExit: direction == .forward && processes.contains(stop.thread.process)
    case .breakpoint, .watchpoint, .step, .signal, .exec: processes.contains(stop.thread.process)
    }
  }

  private func isEvent(_ feature: String, _ stop: DebugStop, _ direction: ResumeRequest.Direction) -> Bool {
    direction == .forward && understands(feature) && processes.contains(stop.thread.process)
  }

  // MARK: Stops

  /// The current stop, without what was an event when it was reported.
  func whereItStands() -> Reply {
    var stop = target.currentStop
    switch stop.reason {
    case .signal, .historyEnd: break
    default: stop.reason = .signal(0)
    }
    return report(stop, .forward)
  }

  private func report(_ stop: DebugStop, _ direction: ResumeRequest.Direction) -> Reply {
    if case .processExit(let status) = stop.reason, processes.count > 1 {
      processes.remove(stop.thread.process)
      currentThread = shownThreads.first ?? currentThread
      let signal = status & 0x7f
      return signal == 0
        ? .exited(code: UInt8(truncatingIfNeeded: status >> 8), process: stop.thread.process)
        : .killed(signal: GDBSignal.number(ofLinux: signal), process: stop.thread.process)
    }
    var thread = stop.thread
    if !processes.contains(thread.process) {
      if let other = shownThreads.first { thread = other } else { processes.insert(thread.process) }
    }
    currentThread = thread
    steppedThread = nil
    signalInfo = nil
    var reply = StopReply(signal: signal(of: stop.reason), thread: thread, detail: detail(of: stop, direction))
    if listsThreads {
      reply.listedThreads = shownThreads.map {
        .init(thread: $0, instructionPointer: (try? target.registers(of: $0))?.general.rip ?? 0)
      }
    }
    return .stop(reply)
  }

  /// By gdb's number. The end of a recording looks like a death by SIGKILL that hasn't happened yet, so that the
  /// debugger still has a process to go back with.
  private func signal(of reason: DebugStop.Reason) -> UInt8 {
    switch reason {
    // LLDB goes on by itself after a stop without a signal.
    case .signal(0) where isLLDB: GDBSignal.number(ofLinux: Signal.trap.rawValue)
    case .signal(let number): GDBSignal.number(ofLinux: number)
    case .interrupted: GDBSignal.number(ofLinux: Signal.interrupt.rawValue)
    case .historyEnd, .processExit: GDBSignal.number(ofLinux: Signal.kill.rawValue)
    default: GDBSignal.number(ofLinux: Signal.trap.rawValue)
    }
  }

  private func detail(of stop: DebugStop, _ direction: ResumeRequest.Direction) -> StopReply.Detail {
    switch stop.reason {
    case .breakpoint(let isHardware):
      let feature = isHardware ? "hwbreak+" : "swbreak+"
      guard understands(feature) else { return .none }
      return isHardware ? .hardwareBreakpoint : .softwareBreakpoint
    case .watchpoint(.write, let address): return .writeWatchpoint(address)
    case .watchpoint(.read, let address): return .readWatchpoint(address)
    case .watchpoint(_, let address): return .accessWatchpoint(address)
    case .historyBegin: return .historyBegin
    case .fork(let child):
      processes.insert(child.process)
      return .fork(child: child)
    case .exec(let path):
      let isEvent = direction == .forward && understands("exec-events+")
      return isEvent ? .exec(path: Array(path.utf8)) : .none
    case .step, .signal, .interrupted, .historyEnd, .processExit: return .none
    }
  }
}
