/// Counts of what a translator has done, for `--stats` and for choosing the next improvement.
package struct TranslationStatistics: Sendable {
  package var requests = 0
  package var units = 0
  package var instructions = 0
  package var applicationBytes = 0
  package var codeBytes = 0
  package var coldBytes = 0
  package var landings = 0
  /// Landings that share their place in the table with an earlier one.
  package var collidingLandings = 0
  /// Places that count a tick without saving flags, and with.
  package var plainTicks = 0
  package var flagSavingTicks = 0
  package var links = 0
  package var linksResolvedLate = 0
  /// Instructions whose RIP-relative operand was out of reach.
  package var expandedOperands = 0
  package var droppedInstructions = 0
  package var pagesRead = 0

  package init() {}

  package static func += (a: inout TranslationStatistics, b: TranslationStatistics) {
    a.requests += b.requests
    a.units += b.units
    a.instructions += b.instructions
    a.applicationBytes += b.applicationBytes
    a.codeBytes += b.codeBytes
    a.coldBytes += b.coldBytes
    a.landings += b.landings
    a.collidingLandings += b.collidingLandings
    a.plainTicks += b.plainTicks
    a.flagSavingTicks += b.flagSavingTicks
    a.links += b.links
    a.linksResolvedLate += b.linksResolvedLate
    a.expandedOperands += b.expandedOperands
    a.droppedInstructions += b.droppedInstructions
    a.pagesRead += b.pagesRead
  }
}
