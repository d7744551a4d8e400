package compile

import (
	"strings"

	"github.com/nube-run/nube/internal/manifest"
)

// layers compiles the layers that the service brings.
func (s *service) layers() []Layer {
	var out []Layer
	section := set(s.config.Get("layers"))
	if section == nil {
		return nil
	}
	for _, f := range section.Fields {
		id, c := layerID(f.Key), f.Value
		out = append(out, Layer{Key: f.Key, LogicalID: id})
		name := str(c, "name")
		if name == "" {
			name = f.Key
		}
		var deletion any
		if truthy(c.Get("retain")) {
			deletion = "Retain"
		}
		s.resources.put(id, f.Pos, obj{
			{Key: "Type", Value: "AWS::Lambda::LayerVersion"},
			{Key: "Properties", Value: obj{
				{Key: "Content", Value: obj{{Key: manifest.CodePath, Value: s.layerCode(f.Key)}}},
				{Key: "LayerName", Value: name},
				{Key: "Description", Value: or(c.Get("description"))},
				{Key: "LicenseInfo", Value: or(c.Get("licenseInfo"))},
				{Key: "CompatibleRuntimes", Value: or(c.Get("compatibleRuntimes"))},
				{Key: "CompatibleArchitectures", Value: or(c.Get("compatibleArchitectures"))},
			}},
			{Key: "DeletionPolicy", Value: deletion},
		})
		for _, account := range texts(c.Get("allowedAccounts")) {
			s.resources.put(normalize(f.Key)+strings.Replace(account, "*", "Wild", 1)+"LambdaLayerPermission", f.Pos, obj{
				{Key: "Type", Value: "AWS::Lambda::LayerVersionPermission"},
				{Key: "Properties", Value: obj{
					{Key: "Action", Value: "lambda:GetLayerVersion"},
					{Key: "LayerVersionArn", Value: ref(id)},
					{Key: "Principal", Value: account},
				}},
				{Key: "DeletionPolicy", Value: deletion},
			})
		}
		s.outputs.put(id+"QualifiedArn", f.Pos, obj{
			{Key: "Description", Value: "Current Lambda layer version"},
			{Key: "Value", Value: ref(id)},
		})
	}
	return out
}
