package pattern

import (
	"net/netip"
	"strconv"
	"strings"
)

// network accepts the addresses of an IP network, IPv4 or IPv6.
type network struct{ netip.Prefix }

func (n network) match(v *value) bool {
	if v.kind != str {
		return false
	}
	a, err := netip.ParseAddr(v.text)
	return err == nil && a.Zone() == "" && n.Contains(a)
}

// cidr reads the value of cidr: an address and how many of its bits count.
func (c *compiler) cidr() (matcher, error) {
	if c.kind != str {
		return nil, c.failHere("prefix match pattern must be a string") // sic
	}
	text, err := c.text()
	if err != nil {
		return nil, err
	}
	address, bits, ok := strings.Cut(text, "/")
	if !ok || strings.Contains(bits, "/") {
		return nil, &syntaxError{"Malformed CIDR, one '/' required"}
	}
	n, err := strconv.Atoi(bits)
	if err != nil {
		return nil, &syntaxError{"Malformed CIDR, mask bits must be an integer"}
	}
	a, err := netip.ParseAddr(address)
	switch {
	case err != nil || a.Zone() != "":
		return nil, &syntaxError{"Nonstandard IP address: " + address}
	case n < 0:
		return nil, &syntaxError{"Malformed CIDR, mask bits must not be negative"}
	case a.Is4() && n > 31:
		return nil, &syntaxError{"IPv4 mask bits must be < 32"}
	case n > 127:
		return nil, &syntaxError{"IPv6 mask bits must be < 128"}
	}
	return network{netip.PrefixFrom(a, n).Masked()}, nil
}
