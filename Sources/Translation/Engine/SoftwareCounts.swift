/// What the software engine has done, for `--stats`: how often tracees stopped for it, and why.
final class SoftwareCounts {
  /// Stops, all that wait(2) reported.
  var stops = 0
  /// Branches to code without a translation.
  var missingTranslations = 0
  /// Indirect transfers to addresses without a landing.
  var missingLandings = 0
  /// Instructions that aren't executed in the cache.
  var interceptions = 0
  /// Ticks at which tracees were to stop, and other traps.
  var otherTraps = 0
  /// Instructions that were executed in the application's own code.
  var originals = 0
  /// Writes to code that was protected because of its translations.
  var codeWrites = 0
  /// Times that a full cache was emptied.
  var flushes = 0
  /// Caches made, copied for a process whose code was about to differ, and taken over by a process from another.
  var caches = 0
  var partings = 0
  var adoptions = 0
  /// Of caches that are gone.
  var translation = TranslationStatistics()

  func count(_ trap: ExitStub.Kind?) {
    switch trap {
    case .link?: missingTranslations += 1
    case .miss?: missingLandings += 1
    case .instruction?: interceptions += 1
    case .tick?, .tickWithSpill?, .breakpoint?, nil: otherTraps += 1
    }
  }

  func lines(live: [TranslationStatistics]) -> [String] {
    var sum = translation
    for statistics in live { sum += statistics }
    let ticks = sum.plainTicks + sum.flagSavingTicks
    let share = ticks == 0 ? 0 : 100 * sum.flagSavingTicks / ticks
    return [
      "translated \(sum.instructions) instructions in \(sum.units) units, \(sum.applicationBytes) bytes into "
        + "\(sum.codeBytes + sum.coldBytes); dropped \(sum.droppedInstructions)",
      "\(sum.landings) landings, \(sum.collidingLandings) of them not the first at their place; \(sum.links) links; "
        + "\(ticks) places that count ticks, \(share)% save flags; \(sum.expandedOperands) operands out of reach",
      "stops: \(missingTranslations) for missing translations, \(missingLandings) for missing landings, "
        + "\(interceptions) for intercepted instructions, \(otherTraps) for ticks and dropped code, "
        + "\(originals) for instructions in place, \(codeWrites) for writes to code",
      "caches: \(caches) made, \(partings) copied, \(adoptions) taken over, \(flushes) emptied",
    ]
  }
}
