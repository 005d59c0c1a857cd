import Execution
package import KernelABI
import Replay
import TraceFormat

// What rrs adds to a debugger's commands. Names and answers are rr's, which users and front ends know.
extension DebugSession {
  package func command(_ name: String, _ arguments: [String], thread: ThreadIdentity?) -> CommandAnswer {
    do {
      return try answer(name, arguments, thread ?? currentStop.thread)
    } catch {
      return .text("\(error)")
    }
  }

  private func answer(_ name: String, _ arguments: [String], _ thread: ThreadIdentity) throws -> CommandAnswer {
    switch name {
    case "checkpoint": return .text(try makeCheckpoint(arguments.joined(separator: " ")))
    case "delete-checkpoint", "delete checkpoint": return .text(deleteCheckpoint(arguments))
    case "info-checkpoints", "info checkpoints": return .text(listCheckpoints())
    case "restart": return restart(arguments)
    case "write-checkpoints": return .text(try writeCheckpoints())
    case "load-checkpoints": return .text(try loadCheckpoints())
    case "seek-ticks":
      guard let ticks = arguments.first.flatMap({ UInt64($0) }) else { return .text("seek-ticks needs a number") }
      return .place(.ticks(ticks))
    case "history-push":
      history.push(.init(point: try timeline.point, stop: currentStop))
      return .text("")
    case "back": return history.back().map { .place(.history($0)) } ?? .text("Can't go back. No more history entries.")
    case "forward":
      return history.forward().map { .place(.history($0)) } ?? .text("Can't go forward. No more history entries.")
    default: return .text(try answerAboutPlace(name, thread) ?? "rrs has no command '\(name)'")
    }
  }

  // MARK: - Checkpoints

  private func makeCheckpoint(_ place: String) throws -> String {
    guard diversion == nil else { return "There are no checkpoints in a function that was called for the debugger." }
    let checkpoint = try timeline.makeCheckpoint(isKept: true)
    lastCheckpointNumber += 1
    userCheckpoints[lastCheckpointNumber] = UserCheckpoint(checkpoint: checkpoint, stop: currentStop, place: place)
    return "Checkpoint \(lastCheckpointNumber) at \(place.isEmpty ? "\(checkpoint.point)" : place)"
  }

  private func deleteCheckpoint(_ arguments: [String]) -> String {
    guard let number = arguments.first.flatMap({ Int($0) }) else { return "delete checkpoint needs a number" }
    guard let known = userCheckpoints.removeValue(forKey: number) else { return "No checkpoint number \(number)." }
    timeline.release(known.checkpoint)
    return "Deleted checkpoint \(number)."
  }

  private func listCheckpoints() -> String {
    guard !userCheckpoints.isEmpty else { return "No checkpoints." }
    let rows = userCheckpoints.sorted { $0.key < $1.key }.map { number, known in
      "\(number)\t\(known.checkpoint.point.event)\t\(known.place)"
    }
    return (["ID\tWhen\tWhere"] + rows).joined(separator: "\n")
  }

  /// Makes the user's checkpoints persistent.
  private func writeCheckpoints() throws -> String {
    guard !userCheckpoints.isEmpty else { return "No checkpoints." }
    let store = CheckpointStore(reader)
    let before = Set(store.list().places.map { SavedName($0) })
    var lines: [String] = []
    for (number, known) in userCheckpoints.sorted(by: { $0.key < $1.key }) {
      let isSaved = before.contains { $0.number == number && $0.point == known.checkpoint.point }
      if !isSaved {
        _ = try timeline.save(
          known.checkpoint, in: store, number: number, label: known.place, thread: known.stop.thread)
      }
      lines.append("Checkpoint \(number) \(isSaved ? "was saved before" : "saved") in \(store.path)")
    }
    return lines.joined(separator: "\n")
  }

  /// What tells a user's checkpoints apart.
  private struct SavedName: Hashable {
    var number: Int
    var point: TimePoint

    init(_ place: SavedPlace) { (number, point) = (Int(place.number), place.timePoint) }
  }

  /// Brings back what `write-checkpoints` has saved, under the same numbers.
  private func loadCheckpoints() throws -> String {
    let (places, problems) = CheckpointStore(reader).list()
    var lines = problems.map { "A checkpoint can't be used: \($0)" }
    for place in places where place.number > 0 {
      let number = Int(place.number)
      if let known = userCheckpoints[number] {
        let isSame = known.checkpoint.point == place.timePoint
        lines.append("Checkpoint \(number) is " + (isSame ? "here already" : "another one here: it stays"))
        continue
      }
      guard let checkpoint = try timeline.restore(place, isKept: true) else {
        lines.append("Checkpoint \(number) can't be used.")
        continue
      }
      let stop = DebugStop(thread: place.thread, reason: .signal(0))
      userCheckpoints[number] = UserCheckpoint(checkpoint: checkpoint, stop: stop, place: place.label)
      lastCheckpointNumber = max(lastCheckpointNumber, number)
      lines.append("Checkpoint \(number) at \(place.label.isEmpty ? "\(checkpoint.point)" : place.label)")
    }
    return lines.isEmpty ? "No saved checkpoints." : lines.joined(separator: "\n")
  }

  private func restart(_ arguments: [String]) -> CommandAnswer {
    guard let number = arguments.first.flatMap({ Int($0) }) else { return .text("restart needs a checkpoint's number") }
    return userCheckpoints[number] == nil ? .text("No checkpoint number \(number).") : .place(.checkpoint(number))
  }
}
