package manifest

import "github.com/nube-run/nube/internal/template"

// Project is what a manifest describes.
type Project struct {
	Dir       string // the directory of the manifest, absolute
	File      string // the manifest's name in it
	Name      string // the service
	Stage     string
	Region    string
	StackName string
	StackTags []Tag
	Params    []Param // of the stack

	Template  *template.Template // code as {"nube:Path": ...}
	Functions []Function
	Layers    []Layer

	// Inputs are the files that the project was made of, absolute and sorted; also those that were looked for and did not
	// exist, because their appearance would change it.
	Inputs []string
}

// Tag is a tag of the stack.
type Tag struct{ Key, Value string }

// Param is a value for a parameter of the template.
type Param struct {
	Name  string
	Value string
	Pos   template.Pos
}

// Function is a function whose code the builder must provide.
type Function struct {
	Key          string // its name in the manifest
	Name         string // its name in the cloud
	LogicalID    string
	VersionID    string // the logical id of its version, or empty
	Runtime      string
	Handler      string
	Architecture string // x86_64 or arm64
	Code         Code
	Pos          template.Pos // where the manifest names the code
}

// Layer is a layer whose content the builder must provide.
type Layer struct {
	Key       string
	LogicalID string
	Code      Code // a Directory or an Archive
	Pos       template.Pos
}

// Function returns the function with a key.
func (p *Project) Function(key string) (*Function, bool) {
	for i := range p.Functions {
		if p.Functions[i].Key == key {
			return &p.Functions[i], true
		}
	}
	return nil, false
}
