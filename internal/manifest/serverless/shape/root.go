package shape

import "github.com/nube-run/nube/internal/manifest/schema"

// Root is the shape of a manifest whose provider is aws.
func Root() schema.Schema {
	return schema.Object{What: "the manifest", Required: []string{"service", "provider"}, Fields: []schema.Field{
		{Key: "service", Is: text(isServiceName, "a name of letters, digits and dashes that begins with a letter")},
		{Key: "frameworkVersion", Is: schema.String{}},
		{Key: "configValidationMode", Is: schema.Enum{"error", "warn", "off"}},
		{Key: "useDotenv", Is: schema.Const{Value: true}},
		{Key: "provider", Is: provider()},
		{Key: "functions", Is: functions()},
		{Key: "layers", Is: localLayers()},
		{Key: "resources", Is: resources()},
		{Key: "package", Is: packaging()},
		{Key: "params", Is: schema.Map{Of: schema.Map{Of: schema.Any{}}, Key: IsStage, Form: "letters, digits and dashes"}},
		{Key: "custom", Is: schema.Map{Of: schema.Any{}}},
		{Key: "plugins", Is: plugins()},

		// Without meaning here: they steer the Framework itself.
		{Key: "deprecationNotificationMode", Is: schema.Enum{"error", "warn", "warn:summary"}},
		{Key: "disabledDeprecations", Is: schema.OneOf{schema.Const{Value: "*"}, texts()}},
		{Key: "projectDir", Is: schema.String{}},
		{Key: "variablesResolutionMode", Is: schema.Enum{"20210326"}},
		{Key: "org", Is: schema.String{}},
		{Key: "app", Is: schema.String{}},
		{Key: "licenseKey", Is: schema.String{}},
	}}
}

func plugins() schema.Schema {
	return schema.OneOf{
		schema.Object{What: "plugins", Required: []string{"modules"}, Fields: []schema.Field{
			{Key: "localPath", Is: schema.String{}}, {Key: "modules", Is: texts()},
		}},
		texts(),
	}
}

func packaging() schema.Schema {
	return schema.Object{What: "package", Fields: []schema.Field{
		{Key: "artifact", Is: schema.String{}},
		{Key: "excludeDevDependencies", Is: schema.Bool{}},
		{Key: "individually", Is: schema.Bool{}},
		{Key: "path", Is: schema.String{}},
		{Key: "patterns", Is: texts()},
	}}
}

func localLayers() schema.Schema {
	return schema.Map{Of: schema.Object{What: "a layer", Fields: []schema.Field{
		{Key: "allowedAccounts", Is: schema.List{Of: schema.String{}}},
		{Key: "compatibleArchitectures", Is: schema.List{Of: architecture(), Max: 2}},
		{Key: "compatibleRuntimes", Is: schema.List{Of: schema.String{}, Max: 15}},
		{Key: "description", Is: schema.String{Max: 256}},
		{Key: "licenseInfo", Is: schema.String{Max: 512}},
		{Key: "name", Is: schema.String{Min: 1, Max: 140}},
		{Key: "package", Is: schema.Object{What: "the package of a layer", Fields: []schema.Field{
			{Key: "artifact", Is: schema.String{}}, {Key: "patterns", Is: texts()},
		}}},
		{Key: "path", Is: schema.String{}},
		{Key: "retain", Is: schema.Bool{}},
	}}}
}

// resources is the part of the template that the user writes, and the changes to what is generated.
func resources() schema.Schema {
	logicalID := only(isAlphanumeric)
	attributes := func(more ...schema.Field) []schema.Field {
		return append([]schema.Field{
			{Key: "Properties", Is: schema.Map{Of: schema.Any{}}},
			{Key: "CreationPolicy", Is: schema.Map{Of: schema.Any{}}},
			{Key: "DeletionPolicy", Is: schema.String{}},
			{Key: "DependsOn", Is: texts()},
			{Key: "Metadata", Is: schema.Map{Of: schema.Any{}}},
			{Key: "UpdatePolicy", Is: schema.Map{Of: schema.Any{}}},
			{Key: "UpdateReplacePolicy", Is: schema.String{}},
			{Key: "Condition", Is: schema.String{}},
		}, more...)
	}
	section := func() schema.Schema { return schema.Map{Of: schema.Any{}} }
	return schema.Object{What: "resources", Fields: []schema.Field{
		{Key: "AWSTemplateFormatVersion", Is: schema.String{}},
		{Key: "Conditions", Is: section()},
		{Key: "Description", Is: schema.String{}},
		{Key: "Mappings", Is: section()},
		{Key: "Metadata", Is: section()},
		{Key: "Outputs", Is: section()},
		{Key: "Parameters", Is: section()},
		{Key: "Transform", Is: texts()},
		{Key: "Resources", Is: schema.Map{Key: logicalID, Form: "letters and digits", Of: schema.Object{
			What: "a resource", Required: []string{"Type"}, Fields: attributes(schema.Field{Key: "Type", Is: schema.String{}}),
		}}},
		{Key: "extensions", Is: schema.Map{Key: logicalID, Form: "letters and digits", Of: schema.Object{
			What: "an extension of a resource", Fields: attributes(),
		}}},
	}}
}
