package rewrite

import (
	"net"
	"slices"
	"strconv"
	"strings"
)

// Listen replaces addresses to listen at that mean "all addresses of this pod". Pods share
// one machine, so that a program which listened there would take the port from all others.
//
// This is the rule, in one place. In an argument, in what follows the first "=" of an
// argument, and in the value of a variable:
//
//	:8443  0.0.0.0:8443  [::]:8443    become what Address gives for port 8443
//	0.0.0.0  ::  [::]                 become Host, where they are all of it
//	--secure-port=10250               becomes what Port gives, where the container has that port
//
// Anything else is left alone: an address with a host of its own was meant. A program that is
// given a port only listens at all addresses; Port chooses one that is free there.
type Listen struct {
	Host    string                // the pod's own address
	Address func(port int) string // where the pod listens instead of at that port
	Port    func(port int) int    // which port it listens at instead, at all addresses
	Ports   []int                 // the container's
}

// Value rewrites a variable's value.
func (l Listen) Value(value string) string {
	if value == "0.0.0.0" || value == "::" || value == "[::]" {
		return l.Host
	}
	host, port, err := net.SplitHostPort(value)
	if err != nil || host != "" && host != "0.0.0.0" && host != "::" {
		return value
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 { // 0 asks for any port, which cannot be reached from outside anyway
		return value
	}
	return l.Address(int(n))
}

// Argument rewrites an argument, or the value in a flag with "=".
func (l Listen) Argument(arg string) string {
	flag, value, ok := strings.Cut(arg, "=")
	if !ok || !strings.HasPrefix(flag, "-") {
		return l.Value(arg)
	}
	if n, err := strconv.Atoi(value); err == nil && strings.HasSuffix(flag, "port") && slices.Contains(l.Ports, n) {
		value = strconv.Itoa(l.Port(n))
	}
	return flag + "=" + l.Value(value)
}
