@secure()
param administratorPassword string

resource shop 'Microsoft.Sql/servers@2023-08-01' = {
  name: 'sql-shop'
  location: resourceGroup().location
  properties: {
    administratorLogin: 'shopadmin'
    administratorLoginPassword: administratorPassword
  }
}
