package eval

import (
	"net/netip"

	"github.com/nube-run/nube/internal/template"
)

// findInMap evaluates Fn::FindInMap, with the DefaultValue of the language
// extensions.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-findinmap.html
func (e *evaluator) findInMap(v, arg *template.Value) *template.Value {
	const usage = "Template error: every Fn::FindInMap object requires three parameters, the map name, map key and the attribute for return value"
	if arg == nil || arg.Kind != template.List || len(arg.Items) < 3 || len(arg.Items) > 4 {
		return e.fail(v.Pos, usage)
	}
	var fallback *template.Value
	if len(arg.Items) == 4 {
		f, ok := arg.Items[3].Field("DefaultValue")
		if !ok || len(arg.Items[3].Fields) != 1 {
			return e.fail(arg.Items[3].Pos, "Template error: the fourth parameter of Fn::FindInMap is a map with the key DefaultValue")
		}
		if !e.needsExtensions(v, "the DefaultValue of Fn::FindInMap") {
			return broken(v.Pos)
		}
		fallback = f.Value
	}
	var keys [3]*template.Value
	for i := range keys {
		keys[i] = e.value(arg.Items[i])
		if keys[i] != nil && pending(keys[i]) {
			return e.fail(arg.Items[i].Pos, "Template error: Fn::FindInMap cannot depend on resources")
		}
		if !keys[i].IsScalar() {
			return e.fail(v.Pos, usage)
		}
	}
	m, ok := e.env.Template.Mapping(keys[0].Text)
	if ok {
		if found := m.Body.Get(keys[1].Text, keys[2].Text); found != nil {
			return found
		}
	}
	switch {
	case fallback != nil:
		return e.value(fallback)
	case !ok:
		return e.fail(keys[0].Pos, "Template error: Mapping named '%s' is not present in the 'Mappings' section of template.", keys[0].Text)
	}
	e.fail(v.Pos, "Template error: Unable to get mapping for %s::%s::%s", keys[0].Text, keys[1].Text, keys[2].Text)
	if level := m.Body.Get(keys[1].Text); level != nil {
		if near := template.Suggest(keys[2].Text, level.Keys()); near != "" {
			e.hint("did you mean %s?", near)
		}
	} else if near := template.Suggest(keys[1].Text, m.Body.Keys()); near != "" {
		e.hint("did you mean %s?", near)
	}
	return broken(v.Pos)
}

// zones evaluates Fn::GetAZs. A cloud here has the zones a, b and c in every
// region.
func (e *evaluator) zones(v, arg *template.Value) *template.Value {
	region := e.value(arg)
	if region == nil || !region.IsScalar() {
		return e.fail(v.Pos, "Template error: Fn::GetAZs takes the name of a region")
	}
	name := region.Text
	if name == "" {
		name = e.env.Stack.Scope.Region
	}
	return template.New(v.Pos, []string{name + "a", name + "b", name + "c"})
}

// maxCidrs is the most blocks that Fn::Cidr returns.
const maxCidrs = 256

// cidr evaluates Fn::Cidr: the first count blocks of the given size.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-cidr.html
func (e *evaluator) cidr(v, arg *template.Value) *template.Value {
	items, ok := e.arguments(arg, 2, 3)
	if !ok {
		return e.fail(v.Pos, "Template error: Fn::Cidr requires a list of an address block, a count and optionally the bits of a subnet")
	}
	for _, item := range items {
		if pending(item) {
			return remain(v, "Fn::Cidr", items)
		}
	}
	block, err := netip.ParsePrefix(items[0].Text)
	if err != nil {
		return e.fail(items[0].Pos, "Template error: %q in Fn::Cidr is not an address block", items[0].Text)
	}
	count, ok := items[1].AsInt()
	if !ok || count < 1 || count > maxCidrs {
		return e.fail(items[1].Pos, "Template error: the count of Fn::Cidr must be between 1 and %d", maxCidrs)
	}
	bits := int64(8)
	if len(items) == 3 {
		if bits, ok = items[2].AsInt(); !ok {
			return e.fail(items[2].Pos, "Template error: the bits of a subnet in Fn::Cidr must be a number")
		}
	}
	addr := block.Masked().Addr()
	length := int64(addr.BitLen()) - bits
	if bits < 1 || length < int64(block.Bits()) {
		return e.fail(v.Pos, "Template error: %s has no subnets with %d bits", block, bits)
	}
	var out []string
	for range count {
		if !block.Contains(addr) {
			return e.fail(v.Pos, "Template error: %s does not hold %d subnets with %d bits", block, count, bits)
		}
		out = append(out, netip.PrefixFrom(addr, int(length)).String())
		addr = plus(addr, uint(bits))
	}
	return template.New(v.Pos, out)
}

// plus adds 2^bit to an address, wrapping around at the end.
func plus(a netip.Addr, bit uint) netip.Addr {
	b := a.AsSlice()
	i := len(b) - 1 - int(bit/8)
	for carry := uint(1) << (bit % 8); i >= 0 && carry > 0; i-- {
		sum := uint(b[i]) + carry
		b[i], carry = byte(sum), sum>>8
	}
	out, _ := netip.AddrFromSlice(b)
	return out
}
