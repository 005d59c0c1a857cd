import CLinuxShim
import Glibc

/// A bar on stderr for work that takes more than two seconds.
///
/// The cursor goes back to the first column after each drawing, so that what a program shows meanwhile writes over the
/// bar, not behind it.
final class ProgressBar: @unchecked Sendable {
  // Updates come from the one thread that replays: nothing here is shared between threads.
  private let start = rrs_monotonic_nanoseconds()
  private var lastDrawn: UInt64 = 0
  private static let delayNanoseconds: UInt64 = 2_000_000_000
  private static let intervalNanoseconds: UInt64 = 200_000_000
  private static let width = 30

  init() {}

  func update(event: UInt64? = nil, fraction: Double) {
    let now = rrs_monotonic_nanoseconds()
    guard now - start > Self.delayNanoseconds, now - lastDrawn > Self.intervalNanoseconds else { return }
    lastDrawn = now
    let done = min(max(fraction, 0), 1)
    let filled = Int(done * Double(Self.width))
    let bar = String(repeating: "#", count: filled) + String(repeating: "-", count: Self.width - filled)
    let place = event.map { "  event \($0)" } ?? ""
    draw("\r[\(bar)] \(Int(done * 100)) %\(place)\u{1b}[K\r")
  }

  /// Takes the bar away.
  func clear() {
    if lastDrawn != 0 { draw("\r\u{1b}[K") }
    lastDrawn = 0
  }

  private func draw(_ text: String) {
    StandardOutput.write(Array(text.utf8), to: STDERR_FILENO)
  }
}
