// Package attack holds tests that attack a hub as it runs: a process of its own, with peers that
// lie, hang, or never end. Beside each attack another delivery is under way, and must survive.
//
// With ATTACK=full (make attack) the inputs have the sizes at which the hub once broke; otherwise
// they are as small as the defect allows.
package attack
