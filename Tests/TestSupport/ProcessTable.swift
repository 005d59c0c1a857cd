import Foundation
import Glibc

/// What /proc says about the processes of this machine: enough to find those that a test started.
package enum ProcessTable {
  package struct Entry: Sendable {
    package var pid: Int32
    package var name: String
    package var state: Character
    package var parent: Int32
    package var group: Int32
    package var session: Int32
    /// The group that its terminal's keyboard is for; -1 without a terminal.
    package var foregroundGroup: Int32

    package var isInForeground: Bool { group == foregroundGroup }
    package var isZombie: Bool { state == "Z" || state == "X" }
  }

  /// One line of /proc/PID/stat; nil where the process is gone. The name may hold blanks and parentheses (proc(5)).
  package static func entry(_ pid: Int32) -> Entry? {
    guard let text = read("/proc/\(pid)/stat"), let open = text.firstIndex(of: "("),
      let close = text.lastIndex(of: ")")
    else { return nil }
    let fields = text[text.index(after: close)...].split(separator: " ")
    guard fields.count > 5, let state = fields[0].first else { return nil }
    let numbers = fields[1...5].compactMap { Int32($0) }
    guard numbers.count == 5 else { return nil }
    let name = String(text[text.index(after: open)..<close])
    return Entry(
      pid: pid, name: name, state: state, parent: numbers[0], group: numbers[1], session: numbers[2],
      foregroundGroup: numbers[4])
  }

  package static func all() -> [Entry] {
    TemporaryDirectory.contents("/proc").compactMap { name in Int32(name).flatMap(entry) }
  }

  /// Everything alive that descends from `root`, is in its session, or carries `mark` in its environment: a daemon
  /// leaves its parents and its session, but not its environment. `root` itself is among them.
  package static func family(of root: Int32, mark: String) -> [Entry] {
    let entries = all()
    var members: Set<Int32> = [root]
    for entry in entries where entry.session == root || hasMark(entry.pid, mark) { members.insert(entry.pid) }
    var grew = true
    while grew {
      grew = false
      for entry in entries where members.contains(entry.parent) && members.insert(entry.pid).inserted { grew = true }
    }
    return entries.filter { members.contains($0.pid) && !$0.isZombie }
  }

  private static func hasMark(_ pid: Int32, _ mark: String) -> Bool {
    guard let environment = read("/proc/\(pid)/environ") else { return false }
    return environment.utf8.split(separator: 0).contains { $0.elementsEqual(mark.utf8) }
  }

  /// Kills the family until nothing of it is left, for a while.
  package static func kill(familyOf root: Int32, mark: String) {
    for _ in 0..<200 {
      let members = family(of: root, mark: mark)
      if members.isEmpty { return }
      for member in members { _ = Glibc.kill(member.pid, SIGKILL) }
      usleep(5_000)
    }
  }

  /// A small file's text; empty where it can't be read.
  package static func text(_ path: String) -> String { read(path) ?? "" }

  static func read(_ path: String) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 16384)
    while true {
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      guard count > 0 else { break }
      bytes.append(contentsOf: chunk[..<count])
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
