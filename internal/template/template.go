package template

// Template is a CloudFormation template. Sections keep the order in which they were written.
type Template struct {
	Pos           Pos
	FormatVersion string
	Description   string
	Transform     *Value // a name or a list of names, or nil
	Metadata      *Value // or nil
	Parameters    []Parameter
	Rules         *Value // or nil
	Mappings      []Mapping
	Conditions    []Condition
	Resources     []Resource
	Outputs       []Output
}

// Parameter is an entry of the Parameters section.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
type Parameter struct {
	Name string
	Pos  Pos    // of the name
	Type string // String, Number, CommaDelimitedList, List<Number>, AWS::SSM::Parameter::Value<...>, AWS::EC2::..., ...
	Body *Value // the whole entry: Default, AllowedValues, AllowedPattern, MinLength, NoEcho, ...
}

// Default returns the default value, or nil.
func (p Parameter) Default() *Value { return p.Body.Get("Default") }

// Mapping is an entry of the Mappings section: a map of maps.
type Mapping struct {
	Name string
	Pos  Pos
	Body *Value
}

// Condition is an entry of the Conditions section.
type Condition struct {
	Name string
	Pos  Pos
	Body *Value // a condition function
}

// Resource is an entry of the Resources section.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/resources-section-structure.html
type Resource struct {
	LogicalID  string
	Pos        Pos // of the logical id
	Type       string
	TypePos    Pos
	Properties *Value   // a map, or nil when there are none
	DependsOn  []*Value // strings: logical ids
	Condition  *Value   // a string: a condition's name; or nil

	DeletionPolicy      string // Delete, Retain, Snapshot, RetainExceptOnCreate, or empty
	UpdateReplacePolicy string // Delete, Retain, Snapshot, or empty

	CreationPolicy, UpdatePolicy, Metadata *Value // or nil
}

// Output is an entry of the Outputs section.
type Output struct {
	Name        string
	Pos         Pos
	Description string
	Value       *Value
	Export      *Value // the value of Export.Name, or nil
	Condition   *Value // a string, or nil
}

// Resource returns the resource with a logical id.
func (t *Template) Resource(logicalID string) (*Resource, bool) {
	for i := range t.Resources {
		if t.Resources[i].LogicalID == logicalID {
			return &t.Resources[i], true
		}
	}
	return nil, false
}

// Parameter returns the parameter with a name.
func (t *Template) Parameter(name string) (*Parameter, bool) {
	for i := range t.Parameters {
		if t.Parameters[i].Name == name {
			return &t.Parameters[i], true
		}
	}
	return nil, false
}

// Condition returns the condition with a name.
func (t *Template) Condition(name string) (*Condition, bool) {
	for i := range t.Conditions {
		if t.Conditions[i].Name == name {
			return &t.Conditions[i], true
		}
	}
	return nil, false
}

// Mapping returns the mapping with a name.
func (t *Template) Mapping(name string) (*Mapping, bool) {
	for i := range t.Mappings {
		if t.Mappings[i].Name == name {
			return &t.Mappings[i], true
		}
	}
	return nil, false
}
