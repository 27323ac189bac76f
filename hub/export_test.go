package hub

// NewHTTPServer is for tests of what a connection may do.
var NewHTTPServer = newHTTPServer

// NewCoalescing is for tests of clients that do not read.
var NewCoalescing = newCoalescing

// MaxHolding is how many connections can hold a response back.
const MaxHolding = maxHolding

// Drain makes a server behave as one that stops.
func (s *Server) Drain() { s.draining.Store(true) }

// OfferRemote offers the integrations of other hubs.
func (s *Server) OfferRemote() error { return s.offerRemote() }
