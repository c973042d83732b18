// Hosting of the Outlook add-in's static files. Its headers, the content security policy among them,
// are in infra/addin/staticwebapp.config.json, which is deployed beside the files.

@description('Required. Name of the site.')
param name string

@description('Required. Azure region.')
param location string

@description('Required. Tags.')
param tags object

resource site 'Microsoft.Web/staticSites@2024-11-01' = {
  name: name
  location: location
  tags: tags
  sku: { name: 'Free', tier: 'Free' }
  properties: {
    allowConfigFileUpdates: true
    stagingEnvironmentPolicy: 'Disabled'
  }
}

output name string = site.name
output url string = 'https://${site.properties.defaultHostname}'
