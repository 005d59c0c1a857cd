import Replay

/// The places that a user stood at, for `back` and `forward`.
struct PlaceHistory {
  struct Place {
    var point: TimePoint
    var stop: DebugStop
  }

  private var places: [Place] = []
  /// The index of the place at which the user stands.
  private var present = -1

  /// A place that was come to; what was left by going back is forgotten.
  mutating func push(_ place: Place) {
    if present >= 0, places[present].point == place.point { return }
    places.removeSubrange((present + 1)...)
    places.append(place)
    present = places.count - 1
  }

  func place(_ number: Int) -> Place? { places.indices.contains(number) ? places[number] : nil }

  mutating func back() -> Int? {
    guard present > 0 else { return nil }
    present -= 1
    return present
  }

  mutating func forward() -> Int? {
    guard present + 1 < places.count else { return nil }
    present += 1
    return present
  }
}
